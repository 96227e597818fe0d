"""What holds on every tab of the page: nobody is shut out, nothing comes from elsewhere; and the tab System."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.browser import DESK, LOWEST_CONTRAST, PHONE, grave_faults, opened, picture
from tests.acceptance.visitor import judge_many, open_tab, pictures_loaded, read_from_list, read_one
from tests.stack import Stack


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_no_tab_shuts_anybody_out(
    stack: Stack, browser: Browser, films: list[Path], size: tuple[int, int], mode: str
) -> None:
    with opened(browser, stack.gateway_url, size, mode) as page:
        faults = {"empty": grave_faults(page)}
        read_one(page, films[:1])
        pictures_loaded(page)
        page.get_by_label("Disagree").check()
        faults["read"] = grave_faults(page)
        judge_many(page, films)
        page.locator(".recent summary").click()
        faults["batch"] = grave_faults(page)
        read_from_list(page, films[1].name)
        page.locator(".keys summary").click()
        faults["read from list"] = grave_faults(page)
        open_tab(page, "System")
        page.locator(".calibration summary").click()
        page.locator(".codes summary").click()
        faults["system"] = grave_faults(page)
        picture(page, f"system-{mode}-{size[0]}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.evaluate(LOWEST_CONTRAST)["ratio"] >= 4.5, page.evaluate(LOWEST_CONTRAST)
    assert not any(faults.values()), faults


def test_the_system_says_how_it_is_and_what_its_model_is_for(stack: Stack, browser: Browser, films: list[Path]) -> None:
    card = stack.model.card()
    with opened(browser, stack.gateway_url) as page:
        read_one(page, films[:1])
        page.locator(".judged-by").get_by_role("link", name="Model card").click()
        about = page.locator(".about")
        for said in (card.intended_use, card.attribution, card.weights_sha256[:12], f"version {card.version}"):
            expect(about).to_contain_text(said)
        expect(about.locator("svg .observed")).to_have_count(sum(part.count > 0 for part in card.reliability))
        expect(page.locator(".pulse")).to_contain_text("Model server ready")
        expect(page.locator(".pulse")).to_contain_text("Job ledger ready")
        page.locator(".codes summary").click()
        expect(page.locator(".codes")).to_contain_text("not_chest_xray")


def test_the_system_says_what_is_away(stack: Stack, browser: Browser) -> None:
    with opened(browser, stack.gateway_url) as page:
        open_tab(page, "System")
        expect(page.locator(".pulse")).to_contain_text("Model server ready")
        stack.stop("triton")
        try:
            expect(page.locator(".pulse")).to_contain_text("Model server away", timeout=30_000)
            picture(page, "system-light-1280-away")
        finally:
            stack.start("triton")
        expect(page.locator(".pulse")).to_contain_text("Model server ready", timeout=30_000)


def test_nothing_is_asked_of_another_server(stack: Stack, browser: Browser, films: list[Path]) -> None:
    """``opened`` cuts every other host off and fails on an attempt; here the requests themselves are looked at."""
    asked: list[str] = []
    context = browser.new_context()
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(stack.gateway_url)
    read_one(page, films[:1])
    pictures_loaded(page)
    for tab in ("Batch", "System"):
        open_tab(page, tab)
    page.locator(".calibration").wait_for()
    page.goto(f"{stack.gateway_url}/docs")
    context.close()
    assert asked
    hosts = {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(stack.gateway_url).netloc}
