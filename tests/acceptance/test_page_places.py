"""Where a visitor is on the page: the address, Back and reload, files dropped anywhere, a phone's screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.acceptance.browser import DESK, PHONE, opened
from tests.acceptance.visitor import PATIENCE_MS, judge_many, open_tab, pictures_loaded, read_from_list, read_one
from tests.stack import Stack

DRAGGED = """name => {
  const files = new DataTransfer();
  files.items.add(new File(["no film"], name));
  return files;
}"""
FINGER_PX = 40
SMALL_TARGETS = """least => [...document.querySelectorAll("a, button, summary, label, input, select")]
  .filter(one => one.checkVisibility() && !one.closest(".sr-only, #tabs > .tab-wrapper"))
  .filter(one => !one.matches("[type=radio]") || !one.closest("label"))
  .filter(one => one.tagName !== "LABEL" || one.querySelector("input[type=radio]"))
  .filter(one => one.getBoundingClientRect().height < least)
  .map(one => one.outerHTML.slice(0, 120))"""


def selected(page: Page, tab: str) -> None:
    expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")


def test_back_and_forward_lead_through_tabs_and_films(stack: Stack, browser: Browser, films: list[Path]) -> None:
    with opened(browser, stack.gateway_url) as page:
        judge_many(page, films[:2])
        listed = page.url
        page.get_by_role("button", name="Film", exact=True).click()
        expect(page.locator("th[aria-sort]")).to_have_text("Film▼")
        read_from_list(page, films[1].name)
        expect(page).to_have_url(f"{listed}&film=2")
        expect(page).to_have_title("Film 2: No sign of pneumonia · PneumoServe")
        expect(page.locator(".light-box")).to_be_focused()
        page.keyboard.press("n")  # turning is no place of its own
        expect(page.locator(".film-name")).to_have_text(films[0].name)
        expect(page).to_have_url(f"{listed}&film=1")

        page.go_back()
        selected(page, "Batch")
        expect(page).to_have_url(listed)
        expect(page.locator("#film-0")).to_be_focused()
        expect(page.locator("th[aria-sort]")).to_have_text("Film▼")
        expect(page).to_have_title("PneumoServe")
        page.go_forward()
        selected(page, "Read")
        expect(page.locator(".film-name")).to_have_text(films[0].name)

        open_tab(page, "System")
        expect(page).to_have_url(f"{listed}&film=1&tab=system")
        page.reload()
        selected(page, "System")
        expect(page.locator(".pulse")).to_be_visible()
        page.go_back()
        selected(page, "Read")
        expect(page.locator(".film-name")).to_have_text(films[0].name)


def test_a_reload_keeps_an_empty_tab(stack: Stack, browser: Browser) -> None:
    with opened(browser, stack.gateway_url) as page:
        open_tab(page, "Batch")
        expect(page).to_have_url(f"{stack.gateway_url}/?tab=batch")
        page.reload()
        selected(page, "Batch")
        page.go_back()
        selected(page, "Read")


@pytest.mark.parametrize(("tab", "place"), [("Read", "#drop-read button"), ("Read", ".light-box"), ("Batch", "body")])
def test_a_file_dropped_anywhere_is_taken(
    stack: Stack, browser: Browser, films: list[Path], tab: str, place: str
) -> None:
    with opened(browser, stack.gateway_url) as page:
        read_one(page, films[:1])
        open_tab(page, tab)
        files = page.evaluate_handle(DRAGGED, "broken.zip")
        zone = page.locator(f"#drop-{tab.lower()}")
        still = zone.evaluate("zone => getComputedStyle(zone).borderStyle")
        page.dispatch_event(place, "dragover", {"dataTransfer": files})
        assert (still, zone.evaluate("zone => getComputedStyle(zone).borderStyle")) == ("dashed", "solid")
        page.dispatch_event(place, "drop", {"dataTransfer": files})
        expect(page.locator(".fault:visible code")).to_have_text("corrupt_archive", timeout=PATIENCE_MS)


def test_a_file_dropped_where_none_is_taken_is_not_opened(stack: Stack, browser: Browser) -> None:
    with opened(browser, stack.gateway_url) as page:
        open_tab(page, "System")
        files = page.evaluate_handle(DRAGGED, "a.png")
        prevented = page.evaluate(
            "files => !document.body.dispatchEvent(new DragEvent('drop', {dataTransfer: files, bubbles: true,"
            " cancelable: true}))",
            files,
        )
        assert prevented


def test_on_a_phone_the_answer_comes_first_and_fingers_find_everything(
    stack: Stack, browser: Browser, films: list[Path]
) -> None:
    with opened(browser, stack.gateway_url, PHONE) as page:
        read_one(page, films[:1])
        pictures_loaded(page)
        tops = [page.locator(part).bounding_box()["y"] for part in (".finding", ".viewer", ".more")]
        assert tops == sorted(tops)
        expect(page.locator(".probability")).to_be_in_viewport()
        assert page.evaluate(SMALL_TARGETS, FINGER_PX) == []
        judge_many(page, films)
        page.locator(".recent summary").click()
        assert page.evaluate(SMALL_TARGETS, FINGER_PX) == []
        last = page.locator(".pick").last
        last.scroll_into_view_if_needed()
        last.click()
        expect(page.locator(".way")).to_be_in_viewport()
        expect(page.locator(".finding h2")).to_be_in_viewport()

        open_tab(page, "System")
        page.locator(".codes summary").click()
        over = "parts => parts.map(part => part.scrollWidth - part.clientWidth).filter(more => more > 0)"
        assert page.locator(".codes, .codes table").evaluate_all(over) == []


def test_on_a_desk_film_and_tools_are_seen_at_once(stack: Stack, browser: Browser, films: list[Path]) -> None:
    with opened(browser, stack.gateway_url, (DESK[0], 800)) as page:
        judge_many(page, films[:2])
        read_from_list(page, films[0].name)
        pictures_loaded(page)
        for part in ("#film-brightness", "#film-contrast", "[data-do=reset]"):
            expect(page.locator(part)).to_be_in_viewport(ratio=1)
