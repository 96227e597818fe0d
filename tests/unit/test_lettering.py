"""Burnt-in text at the borders is seen on a DICOM film; what films have by themselves is not taken for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cxr.imaging import examine
from cxr.lettering import is_lettered
from cxr.notes import NoteCode
from tests.files import dicom, lettered, png
from trainer.phantom import phantoms


def film(size: int = 900, seed: int = 1) -> NDArray[np.uint8]:
    return phantoms(1, size, seed)[0, 0]


@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize("height", [0.02, 0.03, 0.05])
def test_a_name_at_the_border_is_seen(height: float, below: bool) -> None:
    assert is_lettered(Image.fromarray(lettered(film(), height=height, below=below)))


def test_a_film_without_text_and_one_with_a_side_marker_are_not_lettered() -> None:
    assert not any(is_lettered(Image.fromarray(film(seed=seed))) for seed in range(5))
    assert not is_lettered(Image.fromarray(lettered(film(), "L", height=0.05)))
    assert not is_lettered(Image.new("L", (64, 64)))


def test_few_real_films_are_taken_for_lettered(originals: list[Path]) -> None:
    found = [path.name for path in originals if is_lettered(Image.open(path))]
    assert len(found) <= 0.04 * len(originals)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_a_dicom_film_is_looked_at_on_its_way_in(photometric: str) -> None:
    named = lettered(film())
    assert examine(dicom(named, PhotometricInterpretation=photometric)).notes == (NoteCode.BURNT_IN_TEXT_SEEN,)
    assert examine(dicom(film(), PhotometricInterpretation=photometric)).notes == ()
    assert examine(png(named)).notes == (), "other files are not promised to be looked at"


def test_no_dicom_film_at_hand_is_taken_for_lettered(data: Path) -> None:
    """People have looked at each: side markers, no line of text."""
    paths = sorted((data / "dicom" / "cxr").glob("*.dcm"))
    assert len(paths) >= 8
    assert [path.name for path in paths if NoteCode.BURNT_IN_TEXT_SEEN in examine(path.read_bytes()).notes] == []
