"""Plain folders of images that carry no label: what the model must not judge, and films in DICOM."""

from __future__ import annotations

from pathlib import Path

from cxr.errors import ImageRejected
from cxr.imaging import preprocess
from trainer.data.film import SUFFIXES, Film, existing


def read(folder: Path, source: str) -> list[Film]:
    """Every image below the folder that the serving path does not refuse by itself, by name.

    Raises:
        MissingFolder.
    """
    suffixes = SUFFIXES | {""}  # DICOM files often have none
    files = sorted(
        path for path in existing(folder, source).rglob("*") if path.is_file() and path.suffix.lower() in suffixes
    )
    return [Film(path, None, path.stem, source) for path in files if _readable(path)]


def _readable(path: Path) -> bool:
    try:
        preprocess(path.read_bytes())
    except ImageRejected:
        return False
    return True
