"""What a visitor of the page does."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import FileChooser, Locator, Page, TimeoutError, expect

from tests.acceptance.browser import PATIENCE_MS

KEY_PRESSES, KEY_PATIENCE_MS = 5, 20_000

Given = list[Path] | dict[str, bytes]


def give(page: Page, files: Given, where: str = "read") -> None:
    """Drop files on a tab, which is in front."""
    given = (
        files
        if isinstance(files, list)
        else [{"name": name, "mimeType": "", "buffer": content} for name, content in files.items()]
    )
    page.locator(f"#drop-{where} input[type=file]").set_input_files(given)  # type: ignore[arg-type]


def read_one(page: Page, file: Given) -> None:
    """Have one film read and wait for its answer."""
    give(page, file)
    page.locator(".verdict:not(.waiting)").wait_for(timeout=PATIENCE_MS)


def judge_many(page: Page, files: Given) -> None:
    """Have films judged as a batch and wait until all are."""
    open_tab(page, "Batch")
    give(page, files, "batch")
    page.locator(".progress[data-state=done]").wait_for(timeout=PATIENCE_MS)


def open_tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def tab_to(page: Page, selector: str) -> None:
    """Press the tabulator key until what is sought has the focus; on a page of ours that takes few presses."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the keyboard does not lead to {selector}")


def window_of_files(page: Page) -> FileChooser:
    """Press space on what has the focus until the browser opens its window of files, as a person would.

    Seen about once in fifteen times: key and click arrive, the page asks for the window, and Chromium opens none.
    """
    for _ in range(KEY_PRESSES):
        try:
            with page.expect_file_chooser(timeout=KEY_PATIENCE_MS) as chooser:
                page.keyboard.press("Space")
        except TimeoutError:
            continue
        return chooser.value
    raise AssertionError("the browser opens no window of files")


def film_row(page: Page, name: str) -> Locator:
    """The list's row of a film."""
    return page.locator("tr[data-index]").filter(has=page.get_by_title(name, exact=True))


def read_from_list(page: Page, name: str) -> None:
    """Choose a film of the list and wait until it is the one that is read."""
    film_row(page, name).locator(".pick").click()
    expect(page.locator(".film-name")).to_have_text(name)


def pictures_loaded(page: Page) -> None:
    page.wait_for_function("[...document.querySelectorAll('.light-box img')].every(i => i.matches('.here'))")
