"""The README's pictures of the page: ``python -m tests.acceptance.pictures``.

The answer is a real film's; in the film's own place stands a drawn one, since no patient's film may lie in git.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, Route

from deploy.local.settings import ROOT
from tests.acceptance.browser import chromium, opened
from tests.acceptance.visitor import judge_many, open_tab, pictures_loaded, read_from_list
from tests.conftest import DATA
from tests.stack import Stack
from trainer.phantom import phantoms

PICTURES = ROOT / "docs" / "pictures"
SIZE = (1280, 860)
TALLEST_PX = 1180


def main() -> None:
    """Start a stack, drive the page, and write one picture per tab."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder))
        try:
            stack.start("redis", "triton", "worker", "gateway")
            with chromium() as browser, opened(browser, stack.gateway_url, SIZE) as page:
                page.context.route("**/film.png", drawn)
                judge_many(page, films())
                keep(page, "page_batch")
                read_from_list(page, "film-01.jpeg")
                pictures_loaded(page)
                page.mouse.move(0, 0)
                keep(page, "page_read")
                open_tab(page, "System")
                page.locator(".calibration").wait_for()
                keep(page, "page_system")
        finally:
            stack.close()


def films() -> dict[str, bytes]:
    """Films of either class under names that say nothing, and a file that cannot be judged."""
    found = sorted((DATA / "kermany_originals").glob("val/*/*.jpeg"))
    named = {f"film-{number:02}.jpeg": path.read_bytes() for number, path in enumerate(reversed(found), 1)}
    return {**named, "half-a-film.jpeg": found[0].read_bytes()[:2000]}


def drawn(route: Route) -> None:
    """Answer with the drawn film."""
    buffer = io.BytesIO()
    Image.fromarray(phantoms(4, 1000, seed=3)[3, 0]).save(buffer, "PNG")
    route.fulfill(body=buffer.getvalue(), content_type="image/png")


def keep(page: Page, name: str) -> None:
    """Write the page's upper part."""
    shot = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    shot.crop((0, 0, SIZE[0], min(shot.height, TALLEST_PX))).save(PICTURES / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
