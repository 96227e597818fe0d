"""What the page's tests share: Chromium, once per module, and four films."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.acceptance.browser import chromium
from tests.files import jpeg


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
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
