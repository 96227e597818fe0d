"""The page, driven like a visitor drives it: the whole stack, real films, a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cxr.jobs import FeedbackLog
from tests.acceptance.browser import DESK, LOWEST_CONTRAST, PHONE, chromium, opened, picture
from tests.files import jpeg, png
from tests.stack import Stack
from tests.zips import zip_of

HOSTILE = "<img src=x onerror=alert(1)>${alert(2)}{{alert}}`.png"
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def films(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A pneumonia, a normal film, a photograph, a corrupt file."""
    corrupt = tmp_path_factory.mktemp("films") / "corrupt.jpeg"
    corrupt.write_bytes(jpeg()[:3000])
    originals = data / "kermany_originals" / "val"
    return [
        originals / "PNEUMONIA" / "person1946_bacteria_4874.jpeg",
        originals / "NORMAL" / "NORMAL2-IM-1427-0001.jpeg",
        data / "non_cxr" / "skimage_sklearn" / "000.jpg",
        corrupt,
    ]


def drop(page: Page, files: list[Path] | dict[str, bytes]) -> None:
    """Give files to the page and wait until all are answered."""
    given = (
        files
        if isinstance(files, list)
        else [{"name": name, "mimeType": "", "buffer": content} for name, content in files.items()]
    )
    page.locator("#drop input[type=file]").set_input_files(given)  # type: ignore[arg-type]
    page.locator(".progress[data-state=done]").wait_for(timeout=PATIENCE_MS)


def choose(page: Page, number: int) -> None:
    """Choose a film of the list and wait until it is the one that is read."""
    row = page.locator("[data-index]").nth(number)
    row.click()
    expect(page.locator(".film-name")).to_have_text(row.locator(".pick-name").inner_text())


def pictures_loaded(page: Page) -> None:
    page.wait_for_function("[...document.querySelectorAll('.light-box img')].every(i => i.complete && i.naturalWidth)")


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_a_visitor_reads_four_films(
    stack: Stack, browser: Browser, films: list[Path], size: tuple[int, int], mode: str
) -> None:
    """Also the pictures that people look at: light and dark, desk and phone."""
    name = f"page-{mode}-{size[0]}"
    with opened(browser, stack.gateway_url, size, mode) as page:
        expect(page.locator(".notice")).to_contain_text("not a medical device")
        picture(page, f"{name}-empty")
        drop(page, films)

        verdict = page.locator(".verdict")
        expect(verdict.locator("h2")).to_contain_text("Pneumonia")
        expect(verdict).to_contain_text("calibrated probability of pneumonia")
        expect(verdict).to_contain_text("operating point")
        expect(verdict).to_contain_text(stack.model.served().engine)
        pictures_loaded(page)
        assert page.locator(".light-box .heat").count() == 1
        picture(page, f"{name}-pneumonia")

        choose(page, 1)
        expect(verdict.locator("h2")).to_contain_text("No pneumonia")
        expect(verdict).to_contain_text("does not rule pneumonia out")
        pictures_loaded(page)
        picture(page, f"{name}-normal")

        choose(page, 2)
        expect(verdict.locator("h2")).to_contain_text("Not judged")
        expect(verdict).to_contain_text("does not look like a frontal chest X-ray")
        expect(verdict.locator("code")).to_have_text("not_chest_xray")
        pictures_loaded(page)
        assert page.locator(".light-box .heat").count() == 0
        picture(page, f"{name}-refused")

        choose(page, 3)
        expect(verdict).to_contain_text("damaged or incomplete")
        expect(verdict.locator("code")).to_have_text("corrupt_image")
        assert page.locator(".light-box img").count() == 0
        picture(page, f"{name}-corrupt")

        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        lowest = page.evaluate(LOWEST_CONTRAST)
        assert lowest["ratio"] >= 4.5, lowest


def test_the_keyboard_is_enough(stack: Stack, browser: Browser, films: list[Path]) -> None:
    with opened(browser, stack.gateway_url) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('#drop') !== null")
        drop(page, films[:2])
        page.locator("[data-index]").first.focus()
        page.keyboard.press("ArrowDown")
        expect(page.locator(".film-name")).to_have_text(films[1].name)
        expect(page.locator("[data-index='1']")).to_be_focused()
        slider = page.get_by_label("Heatmap", exact=True)
        slider.focus()
        page.keyboard.press("Home")
        expect(page.locator(".heat")).to_have_css("opacity", "0")
        page.keyboard.press("End")
        expect(page.locator(".heat")).to_have_css("opacity", "1")


def test_the_opacity_stays_when_another_film_is_chosen(stack: Stack, browser: Browser, films: list[Path]) -> None:
    with opened(browser, stack.gateway_url) as page:
        drop(page, films[:2])
        page.get_by_label("Heatmap", exact=True).fill("20")
        choose(page, 1)
        expect(page.locator(".heat")).to_have_css("opacity", "0.2")
        expect(page.get_by_label("Heatmap", exact=True)).to_have_value("20")


def test_the_film_is_zoomed_windowed_and_inverted_by_keyboard_and_pointer(
    stack: Stack, browser: Browser, films: list[Path]
) -> None:
    with opened(browser, stack.gateway_url) as page:
        drop(page, films[:2])
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
        choose(page, 1)
        expect(page.locator(".zoom-said")).to_have_text("100 %")


def test_a_reader_disagrees_and_says_why(stack: Stack, browser: Browser, films: list[Path]) -> None:
    with opened(browser, stack.gateway_url) as page:
        drop(page, films[:1])
        page.get_by_label("Disagree").check()
        page.get_by_label("What I see").select_option("no_pneumonia")
        page.get_by_label("Why").fill("A thymus, not a consolidation")
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".said")).to_contain_text("You disagreed, seeing no pneumonia: A thymus")
        job = page.url.split("job=")[1]
    [said] = FeedbackLog(stack.ledger).of_image(job, 0)
    assert (said.verdict, said.sees, said.answer) == ("disagree", "no_pneumonia", "pneumonia")


def test_a_job_is_found_again_by_its_address_and_can_be_deleted(stack: Stack, browser: Browser) -> None:
    with opened(browser, stack.gateway_url) as page:
        drop(page, {"a.png": b"", "b.png": b""})
        address = page.url
        assert "?job=" in address
    with opened(browser, address) as page:
        expect(page.locator("[data-index]")).to_have_count(2)
        page.on("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Delete this job").click()
        expect(page.locator(".empty")).to_be_visible()
    with opened(browser, address) as page:
        expect(page.locator(".fault code")).to_have_text("job_not_found")


def test_a_name_is_never_run(stack: Stack, browser: Browser) -> None:
    with opened(browser, stack.gateway_url) as page:
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        drop(page, {"films.zip": zip_of({HOSTILE: png(), "b.png": b""})})
        expect(page.locator(".film-name")).to_have_text(f"films.zip/{HOSTILE}")
        choose(page, 1)
        choose(page, 0)
        expect(page.locator("[data-index='0']")).to_contain_text(HOSTILE)
        assert dialogs == []


def test_a_refused_upload_says_why(stack: Stack, browser: Browser) -> None:
    with opened(browser, stack.gateway_url) as page:
        page.locator("#drop input[type=file]").set_input_files(
            {"name": "films.zip", "mimeType": "", "buffer": b"no zip"}
        )
        expect(page.locator(".fault code")).to_have_text("corrupt_archive", timeout=PATIENCE_MS)
        expect(page.locator(".fault")).to_contain_text("The archive cannot be read.")
        picture(page, "page-light-1280-fault")


def test_many_films_are_turned_page_by_page(stack: Stack, browser: Browser) -> None:
    with opened(browser, stack.gateway_url) as page:
        drop(page, {"films.zip": zip_of({f"{number:03}.txt": b"words" for number in range(130)})})
        expect(page.locator("[data-index]")).to_have_count(100)
        page.get_by_role("button", name="Later").click()
        expect(page.locator("[data-index]")).to_have_count(30)
        expect(page.locator(".film-name")).to_have_text("films.zip/100.txt")
        picture(page, "page-light-1280-many")


def test_the_model_says_what_it_is_for(stack: Stack, browser: Browser) -> None:
    with opened(browser, stack.gateway_url) as page:
        page.locator(".about summary").click()
        card = stack.model.card()
        expect(page.locator(".about")).to_contain_text(card.intended_use)
        expect(page.locator(".about")).to_contain_text(card.attribution)
        picture(page, "page-light-1280-card")
