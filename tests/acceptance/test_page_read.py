"""The page's tab Read, driven like a visitor drives it: the whole stack, real films, a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from cxr.jobs import FeedbackLog
from tests.acceptance.browser import DESK, LOWEST_CONTRAST, PHONE, opened, picture
from tests.acceptance.visitor import (
    PATIENCE_MS,
    give,
    judge_many,
    pictures_loaded,
    read_from_list,
    read_one,
    tab_to,
    window_of_files,
)
from tests.stack import Stack


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_visitor_reads_four_films(
    stack: Stack, browser: Browser, films: list[Path], size: tuple[int, int], mode: str
) -> None:
    """Also the pictures that people look at: light and dark, desk and phone."""
    name = f"read-{mode}-{size[0]}"
    with opened(browser, stack.gateway_url, size, mode) as page:
        expect(page.locator(".notice")).to_contain_text("not a medical device")
        picture(page, f"{name}-empty")

        read_one(page, films[:1])
        verdict = page.locator(".verdict")
        expect(verdict.locator("h2")).to_contain_text("Pneumonia")
        expect(verdict).to_contain_text("calibrated probability of pneumonia")
        expect(verdict).to_contain_text("on the model says pneumonia")
        expect(verdict).to_contain_text("operating point")
        expect(page).to_have_title("Pneumonia · PneumoServe")
        expect(verdict).to_contain_text("What similar probabilities meant")
        expect(verdict).to_contain_text(stack.model.served().engine)
        pictures_loaded(page)
        assert page.locator(".light-box .heat").count() == 1
        picture(page, f"{name}-pneumonia")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.evaluate(LOWEST_CONTRAST)["ratio"] >= 4.5, page.evaluate(LOWEST_CONTRAST)

        read_one(page, films[1:2])
        expect(verdict.locator("h2")).to_contain_text("No sign of pneumonia")
        expect(verdict).to_contain_text("This does not rule it out")

        read_one(page, films[2:3])
        expect(verdict.locator("h2")).to_contain_text("Not judged")
        expect(verdict).to_contain_text("does not look like a frontal chest X-ray")
        expect(verdict.locator("code")).to_have_text("not_chest_xray")
        pictures_loaded(page)
        assert page.locator(".light-box .heat").count() == 0
        picture(page, f"{name}-refused")

        read_one(page, films[3:4])
        expect(verdict).to_contain_text("damaged or incomplete")
        expect(verdict.locator("code")).to_have_text("corrupt_image")
        assert page.locator(".light-box img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.evaluate(LOWEST_CONTRAST)["ratio"] >= 4.5, page.evaluate(LOWEST_CONTRAST)


def test_the_film_is_zoomed_windowed_and_inverted_by_keyboard_and_pointer(
    stack: Stack, browser: Browser, films: list[Path]
) -> None:
    with opened(browser, stack.gateway_url) as page:
        judge_many(page, films[:2])
        read_from_list(page, films[0].name)
        pictures_loaded(page)
        box, stage = page.locator(".light-box"), page.locator(".stage")
        channel = page.locator("#film-window feComponentTransfer > *").first
        box.focus()
        for key in ("+", "+", "ArrowLeft", "}", "]", "i"):
            page.keyboard.press(key)
        expect(page.locator(".zoom-said")).to_have_text("156 %")
        expect(stage).to_have_attribute("style", re.compile(r"translate\(60px, 0px\) scale\(1\.5625\)"))
        expect(page.get_by_role("button", name="Invert")).to_have_attribute("aria-pressed", "true")
        assert float(channel.get_attribute("slope") or 0) < -1
        page.keyboard.press("h")
        expect(page.locator(".heat")).to_have_css("opacity", "0")
        page.keyboard.press("r")
        expect(stage).to_have_attribute("style", re.compile(r"scale\(1\)"))
        assert float(channel.get_attribute("slope") or 0) == 1
        expect(page.locator(".heat")).to_have_css("opacity", "0.6")

        page.get_by_role("button", name="Zoom in").click()
        where = box.bounding_box() or {}
        page.mouse.move(where["x"] + 100, where["y"] + 100)
        page.mouse.down()
        page.mouse.move(where["x"] + 120, where["y"] + 110)
        page.mouse.up()
        expect(stage).to_have_attribute("style", re.compile(r"translate\(20px, 10px\) scale\(1\.25\)"))
        page.mouse.wheel(0, -400)
        expect(page.locator(".zoom-said")).to_have_text("340 %")
        page.get_by_label("Heatmap", exact=True).fill("20")
        page.keyboard.press("Shift+Tab")
        expect(box).to_be_focused()
        page.keyboard.press("n")
        expect(page.locator(".film-name")).to_have_text(films[1].name)
        expect(page.locator(".zoom-said")).to_have_text("100 %")
        expect(page.locator(".heat")).to_have_css("opacity", "0.2")


def test_a_film_is_sent_read_judged_and_taken_home_by_keyboard_alone(
    stack: Stack, browser: Browser, films: list[Path]
) -> None:
    with opened(browser, stack.gateway_url) as page:
        tab_to(page, "#drop-read button")
        window_of_files(page).set_files(films[:1])  # the window itself is the browser's
        page.locator(".verdict:not(.waiting)").wait_for(timeout=PATIENCE_MS)
        tab_to(page, "[name=verdict]")
        page.keyboard.press("ArrowRight")
        expect(page.get_by_label("Disagree")).to_be_checked()
        tab_to(page, "select[name=sees]")
        page.keyboard.type("no p")
        tab_to(page, "textarea")
        page.keyboard.type("A thymus")
        tab_to(page, "form[data-opinion] button")
        page.keyboard.press("Enter")
        expect(page.locator(".said")).to_contain_text("You disagreed, seeing no pneumonia: A thymus")
        tab_to(page, ".downloads a")
        with page.expect_download() as download:
            page.keyboard.press("Enter")
        assert films[0].name in Path(download.value.path()).read_text()


def test_a_film_that_does_not_come_is_not_a_black_film(stack: Stack, browser: Browser, films: list[Path]) -> None:
    with opened(browser, stack.gateway_url) as page:
        page.route("**/film.png", lambda route: route.fulfill(status=503))
        read_one(page, films[:1])
        loading = page.locator(".light-box .loading")
        expect(loading).to_have_text("The film cannot be shown at the moment.")
        page.unroute("**/film.png")
        page.reload()
        pictures_loaded(page)
        expect(loading).to_be_hidden()


def test_a_film_never_stands_beside_the_finding_of_another(stack: Stack, browser: Browser, films: list[Path]) -> None:
    """Its picture may come later than its finding; the former film and its heatmap are not shown meanwhile."""
    with opened(browser, stack.gateway_url) as page:
        judge_many(page, films[:2])
        read_from_list(page, films[0].name)
        pictures_loaded(page)
        late: list[Route] = []
        page.route("**/film.png", lambda route: late.append(route))
        page.get_by_role("button", name="Next").click()
        expect(page.locator(".film-name")).to_have_text(films[1].name)
        expect(page.locator(".stage .film")).to_be_hidden()
        expect(page.locator(".stage .heat")).to_be_hidden()
        expect(page.locator(".loading")).to_have_text("Loading the film")
        late[0].continue_()
        pictures_loaded(page)
        expect(page.locator(".stage .film")).to_be_visible()
        expect(page.locator(".stage .heat")).to_be_visible()
        expect(page.locator(".loading")).to_be_hidden()


def test_an_opinion_that_was_not_sent_stays_with_its_film(stack: Stack, browser: Browser, films: list[Path]) -> None:
    with opened(browser, stack.gateway_url) as page:
        judge_many(page, films[:2])
        read_from_list(page, films[0].name)
        page.get_by_label("Disagree").check()
        page.get_by_label("What I see").select_option("no_pneumonia")
        page.get_by_label("Why").fill("A thymus")
        page.get_by_role("button", name="Next").click()
        expect(page.locator(".film-name")).to_have_text(films[1].name)
        expect(page.get_by_label("Disagree")).not_to_be_checked()
        expect(page.get_by_label("What I see")).to_have_value("")
        expect(page.get_by_label("Why")).to_have_value("")


def test_a_reader_disagrees_and_says_why(stack: Stack, browser: Browser, films: list[Path]) -> None:
    with opened(browser, stack.gateway_url) as page:
        read_one(page, films[:1])
        page.get_by_label("Disagree").check()
        page.get_by_label("What I see").select_option("no_pneumonia")
        page.get_by_label("Why").fill("A thymus, not a consolidation")
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".said")).to_contain_text("You disagreed, seeing no pneumonia: A thymus")
        job = page.url.split("job=")[1]
    [said] = FeedbackLog(stack.ledger).of_image(job, 0)
    assert (said.verdict, said.sees, said.answer) == ("disagree", "no_pneumonia", "pneumonia")


def test_a_film_is_found_again_by_its_address_and_can_be_deleted(stack: Stack, browser: Browser) -> None:
    with opened(browser, stack.gateway_url) as page:
        read_one(page, {"a.png": b""})
        address = page.url
        assert "?job=" in address
    with opened(browser, address) as page:
        expect(page.locator(".verdict code")).to_have_text("empty_file")
        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Delete this film").click()
        expect(page.locator("#film .empty")).to_be_visible()
        expect(page.locator(".deleted")).to_have_text("Deleted: 1 film and its finding.")
        expect(page).to_have_url(f"{stack.gateway_url}/")
    with opened(browser, address) as page:
        expect(page.locator(".fault code")).to_have_text("job_not_found")


def test_a_refused_upload_says_why(stack: Stack, browser: Browser) -> None:
    with opened(browser, stack.gateway_url) as page:
        give(page, {"films.zip": b"no zip"})
        expect(page.locator(".fault code")).to_have_text("corrupt_archive", timeout=PATIENCE_MS)
        expect(page.locator(".fault")).to_contain_text("The archive cannot be read. Make the zip again")
        picture(page, "read-light-1280-fault")
