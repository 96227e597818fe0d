"""The page's tab Batch: many films, a bad one among them, found again, taken home."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pydicom
import pytest
from playwright.sync_api import Browser, Page, expect

from cxr.schemas import JobState
from tests.acceptance.browser import DESK, LOWEST_CONTRAST, PHONE, opened, picture
from tests.acceptance.visitor import PATIENCE_MS, film_row, give, judge_many, open_tab, read_from_list, read_one
from tests.files import png
from tests.stack import Stack
from tests.zips import zip_of

HOSTILE = "<img src=x onerror=alert(1)>${alert(2)}{{alert}}`.png"


@pytest.fixture(scope="session")
def many(data: Path) -> dict[str, bytes]:
    """A zip of 200 files: films, a DICOM film, and a bad one."""
    small = sorted((data / "kermany_224" / "test").glob("*/*.jpeg"))
    chosen = small[:120] + small[-78:]
    [film, *_] = sorted((data / "dicom" / "cxr").glob("RG1*.dcm"))
    entries = {path.name: path.read_bytes() for path in [*chosen, film]}
    return {"films.zip": zip_of({**entries, "broken.jpeg": chosen[0].read_bytes()[:900]})}


@pytest.fixture(scope="module")
def judged(stack: Stack, browser: Browser, many: dict[str, bytes]) -> str:
    """The address of a job of all of them, as the page gave it."""
    with opened(browser, stack.gateway_url) as page:
        judge_many(page, many)
        expect(page.locator(".standing")).to_contain_text("200 films answered")
        return page.url


@pytest.mark.parametrize(("size", "mode"), [(DESK, "light"), (DESK, "dark"), (PHONE, "light")])
def test_two_hundred_films_one_of_them_bad(browser: Browser, judged: str, size: tuple[int, int], mode: str) -> None:
    with opened(browser, judged, size, mode) as page:
        films = page.locator("tr[data-index]")
        expect(films).to_have_count(100)
        expect(page.locator(".pager")).to_contain_text("1 to 100 of 200")
        shown = films.evaluate_all("rows => rows.map(row => row.className)")
        order = ["pneumonia", "indeterminate", "refused", "clear"]
        assert [order.index(style) for style in shown] == sorted(order.index(style) for style in shown)
        assert shown[0] == "pneumonia"
        picture(page, f"batch-{mode}-{size[0]}")

        page.get_by_role("button", name="Later").click()
        expect(page.locator(".pager")).to_contain_text("101 to 200 of 200")
        page.get_by_role("button", name="Not judged").click()
        expect(films).to_have_count(int(page.locator("#chip-refused span").inner_text()))
        expect(film_row(page, "films.zip/broken.jpeg")).to_contain_text("Damaged file")
        page.get_by_role("button", name="All").click()
        page.get_by_label("Name").fill("RG1")
        expect(films.filter(has_text="RG1")).to_contain_text("age outside 1 to 5")
        expect(films).to_have_count(1)
        expect(page.get_by_label("Name")).to_be_focused()
        page.get_by_label("Name").fill("no such film")
        expect(page.locator(".nothing")).to_be_visible()
        page.get_by_label("Name").fill("")
        page.get_by_role("button", name="Film", exact=True).click()
        expect(page.locator("th[aria-sort]")).to_have_text("Film▼")
        names = page.locator(".pick").evaluate_all("rows => rows.map(row => row.title)")
        assert names == sorted(names, key=str.casefold)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.evaluate(LOWEST_CONTRAST)["ratio"] >= 4.5, page.evaluate(LOWEST_CONTRAST)


def test_each_result_format_is_downloaded_and_opened(browser: Browser, judged: str) -> None:
    with opened(browser, judged) as page:
        table = list(csv.DictReader(io.StringIO(_downloaded(page, "CSV", "findings.csv").decode())))
        rows = json.loads(_downloaded(page, "JSON", "findings.json"))["results"]
        archive = zipfile.ZipFile(io.BytesIO(_downloaded(page, "DICOM (zip)", "findings-dicom.zip")))
    assert len(table) == len(rows) == 200
    assert [line["code"] for line in table if line["name"].endswith("broken.jpeg")] == ["corrupt_image"]
    assert {row["image"]["name"] for row in rows} == {line["name"] for line in table}
    names = archive.namelist()
    assert "index.csv" in names
    assert sum(name.endswith("-report.dcm") for name in names) == 1
    report, capture = (
        pydicom.dcmread(io.BytesIO(archive.read(name))) for name in names if name != "index.csv"
    )  # in this order
    assert (report.Modality, capture.ConversionType) == ("SR", "WSD")
    assert report.StudyInstanceUID == capture.StudyInstanceUID
    assert capture.pixel_array.shape[-1] == 3


def _downloaded(page: Page, link: str, name: str) -> bytes:
    with page.expect_download(timeout=PATIENCE_MS) as waiting:
        page.locator(".downloads").get_by_role("link", name=link, exact=True).click()
    assert waiting.value.suggested_filename == name
    return Path(waiting.value.path()).read_bytes()


def test_a_running_job_is_followed_found_again_and_cancelled(
    stack: Stack, browser: Browser, many: dict[str, bytes]
) -> None:
    """The worker is stopped meanwhile, so that the job runs for as long as the test looks."""
    stack.stop("worker")
    try:
        with opened(browser, stack.gateway_url) as page:
            open_tab(page, "Batch")
            give(page, many, "batch")
            expect(page.locator(".standing")).to_contain_text("0 of 200 answered", timeout=PATIENCE_MS)
            picture(page, "batch-light-1280-running")
            address = page.url
        with opened(browser, stack.gateway_url) as page:
            open_tab(page, "Batch")
            expect(page.locator(".recent time").first).not_to_contain_text("UTC")
            page.locator(".recent a").first.click()
            expect(page.locator(".standing")).to_contain_text("0 of 200 answered")
            assert page.url == address
        with opened(browser, address) as page:
            page.get_by_role("button", name="Cancel this job").click()
            expect(page.locator(".standing")).to_contain_text("Cancelled after 0 of 200 films")
            expect(page.get_by_role("button", name="Cancel this job")).to_have_count(0)
            page.reload()
            expect(page.locator(".standing")).to_contain_text("Cancelled after 0 of 200 films")
        assert stack.jobs.job(address.split("job=")[1]).state is JobState.CANCELLED
    finally:
        stack.start("worker")


def test_answers_come_in_while_the_visitor_looks(stack: Stack, browser: Browser, many: dict[str, bytes]) -> None:
    stack.stop("worker")
    with opened(browser, stack.gateway_url) as page:
        open_tab(page, "Batch")
        give(page, many, "batch")
        expect(page.locator(".standing")).to_contain_text("0 of 200 answered", timeout=PATIENCE_MS)
        page.get_by_label("Name", exact=True).press_sequentially("broken")
        expect(page.locator("tr[data-index]")).to_have_count(1)
        read_from_list(page, "films.zip/broken.jpeg")
        expect(page.locator(".verdict h2")).to_contain_text("Not answered yet")
        stack.start("worker")
        expect(page.locator(".verdict code")).to_have_text("corrupt_image", timeout=PATIENCE_MS)
        page.get_by_role("button", name="Back to the list").click()
        expect(page.locator(".standing")).to_contain_text("200 films answered", timeout=PATIENCE_MS)
        expect(page.get_by_label("Name", exact=True)).to_have_value("broken")


def test_what_is_typed_stays_while_the_job_goes_on(stack: Stack, browser: Browser, films: list[Path]) -> None:
    """The page is read again twice a second, and what a reader has in hand must not be drawn anew."""
    with opened(browser, stack.gateway_url) as page:
        read_one(page, films[:1])
        stack.stop("worker")
        try:
            open_tab(page, "Batch")
            give(page, {"waits.png": png(), "empty.png": b""}, "batch")
            expect(page.locator(".standing")).to_contain_text("1 of 2 answered", timeout=PATIENCE_MS)
            bar = page.locator(".bar")
            assert bar.locator("span").bounding_box()["width"] == pytest.approx(bar.bounding_box()["width"] / 2, abs=1)
            open_tab(page, "Read")
            page.get_by_label("Disagree").check()
            page.get_by_label("Why").press_sequentially("A thymus")
            for _ in range(2):
                page.wait_for_event("response", lambda answer: "/run/predict" in answer.url)
            expect(page.get_by_label("Why")).to_have_value("A thymus")
            expect(page.get_by_label("Why")).to_be_focused()
        finally:
            stack.start("worker")


def test_the_keyboard_is_enough(stack: Stack, browser: Browser, films: list[Path]) -> None:
    with opened(browser, stack.gateway_url) as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("tab", name="Read")).to_be_focused()
        expect(page.get_by_role("tab", name="Read")).to_have_css("outline-offset", "-3px")  # outside it is cut off
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("tab", name="Batch")).to_have_attribute("aria-selected", "true")
        judge_many(page, films[:2])
        page.locator(".pick").first.focus()
        page.keyboard.press("ArrowDown")
        expect(page.locator(".pick").nth(1)).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(".film-name")).to_have_text(films[1].name)
        expect(page.locator(".light-box")).to_be_focused()
        page.keyboard.press("p")
        expect(page.locator(".film-name")).to_have_text(films[0].name)
        page.get_by_role("button", name="Back to the list").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#film-0")).to_be_focused()


def test_a_name_is_never_run(stack: Stack, browser: Browser) -> None:
    with opened(browser, stack.gateway_url) as page:
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        judge_many(page, {"films.zip": zip_of({HOSTILE: png(), "b.png": b""})})
        expect(film_row(page, "films.zip/b.png")).to_be_visible()
        read_from_list(page, f"films.zip/{HOSTILE}")
        page.get_by_role("button", name="Back to the list").click()
        expect(page.locator(".recent")).to_contain_text(HOSTILE)
        assert dialogs == []


def test_a_folder_is_sent(stack: Stack, browser: Browser, films: list[Path], tmp_path: Path) -> None:
    (tmp_path / "series").mkdir()
    for number, film in enumerate(films[1:3]):
        (tmp_path / "series" / f"{number}{film.suffix}").write_bytes(film.read_bytes())
    with opened(browser, stack.gateway_url) as page:
        open_tab(page, "Batch")
        page.locator("input[webkitdirectory]").set_input_files(tmp_path)
        page.locator(".progress[data-state=done]").wait_for(timeout=PATIENCE_MS)
        expect(page.locator("tr[data-index]")).to_have_count(2)


def test_a_job_is_deleted(stack: Stack, browser: Browser) -> None:
    with opened(browser, stack.gateway_url) as page:
        judge_many(page, {"a.png": b"", "b.png": b""})
        job = page.url.split("job=")[1]
        asked: list[str] = []
        page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
        page.get_by_role("button", name="Delete this job").click()
        expect(page.locator(".deleted")).to_have_text("Deleted: 2 films and their findings.")
        expect(page.locator(".worklist")).to_have_count(0)
        expect(page).to_have_url(f"{stack.gateway_url}/?tab=batch")
        assert "2 films and their findings? Opinions that were sent stay" in asked[0]
        assert job not in [job.id for job in stack.jobs.recent()]
