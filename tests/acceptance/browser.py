"""A real Chromium for the page's tests, and what is measured in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.programs import cannot_be_made

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
PATIENCE_MS = 180_000  # of a machine that has other things to do
DESK, PHONE = (1280, 900), (375, 812)
GRAVE = ("serious", "critical")

# The lowest contrast of any visible text against what is painted behind it (WCAG 2.2, 1.4.3), and that text.
LOWEST_CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = (c) => {
    const [r, g, b] = c.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  let lowest = { ratio: 21, text: "" };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    if (element.closest(".sr-only, script, style, [disabled]")) continue;
    const back = behind(element);
    const [a, b] = [light(over(rgba(getComputedStyle(element).color), back)), light(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < lowest.ratio) lowest = { ratio, text };
  }
  return lowest;
}
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless. Without one: skipped on a laptop, failed in CI."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        cannot_be_made("the page's tests need Chromium (Debian: apt-get install chromium; or set CHROMIUM)")
    expect.set_options(timeout=PATIENCE_MS / 2)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, url: str, size: tuple[int, int] = DESK, mode: str = "light") -> Iterator[Page]:
    """The page, with every other host out of reach; a failing script or a request elsewhere fails the test."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=mode,  # type: ignore[arg-type]
    )
    faults: list[str] = []
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    own = url.split("?")[0].rstrip("/")
    context.route(
        lambda address: not address.startswith((own, "data:", "blob:")),
        lambda route: (faults.append(route.request.url), route.abort()),
    )
    page.on("pageerror", lambda error: faults.append(str(error)))
    try:
        page.goto(url)
        page.locator(".head").wait_for()
        page.locator(".foot").wait_for()
        yield page
        assert not faults
    finally:
        context.close()


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like, whole."""
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)


def grave_faults(page: Page) -> list[str]:
    """What axe-core finds that shuts somebody out."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']} ({fault['impact']}): {node['html'][:200]}"
        for fault in found
        if fault["impact"] in GRAVE
        for node in fault["nodes"]
    ]
