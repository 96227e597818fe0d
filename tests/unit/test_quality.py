"""What is remarked on a film: its posture, framing and contrast; and that notes stay with the pixels they are of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cxr.imaging import preprocess
from cxr.quality import AVERAGE_FILM, reduced, remarks, unlike_others
from cxr.schemas import Finding, JobImage, ModelIdentity, Note, NoteCode, OperatingPoint, Prediction


def upright() -> NDArray[np.uint8]:
    """[1,224,224]: the average film, enlarged."""
    grid = Image.fromarray(np.array(AVERAGE_FILM, np.uint8))
    return np.asarray(grid.resize((224, 224), Image.Resampling.BICUBIC))[np.newaxis]


def turned(film: NDArray[np.uint8], quarters: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.rot90(film, quarters, (1, 2)))


def cut(film: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(film[0]).crop(box).resize((224, 224)))[np.newaxis]


def test_an_ordinary_film_is_not_remarked_on() -> None:
    assert remarks(upright()[np.newaxis]) == [[]]


def test_what_was_done_to_a_film_is_remarked() -> None:
    film = upright()
    films = [
        *(turned(film, quarters) for quarters in (1, 2, 3)),
        cut(film, (56, 0, 224, 224)),
        cut(film, (0, 0, 168, 224)),
        film // 8 + 100,
        np.zeros_like(film),
    ]
    assert remarks(np.stack(films)) == [
        [NoteCode.TURNED],
        [NoteCode.TURNED],
        [NoteCode.TURNED],
        [NoteCode.CUT_OFF],
        [NoteCode.CUT_OFF],
        [NoteCode.LOW_CONTRAST],
        [NoteCode.LOW_CONTRAST],
    ]


def test_cells_are_mean_grey_levels() -> None:
    films = np.random.default_rng(0).integers(0, 256, (3, 1, 224, 224), dtype=np.uint8)
    expected = films.reshape(3, 8, 28, 8, 28).mean((2, 4))
    assert reduced(films) == pytest.approx(expected, abs=1e-3)


def test_real_films_are_remarked_on_when_turned(originals: list[Path]) -> None:
    films = np.stack([preprocess(path.read_bytes()) for path in originals[::4]])
    as_they_are = remarks(films)
    assert sum(map(len, as_they_are)) <= 2
    for quarters in (1, 2, 3):
        found = remarks(np.stack([turned(film, quarters) for film in films]))
        assert sum(NoteCode.TURNED in codes for codes in found) >= len(films) - 1


def test_a_film_near_to_its_refusal_is_remarked() -> None:
    point = OperatingPoint(threshold=0.5, indeterminate_low=0.4, indeterminate_high=0.6, ood_limit=0.4)
    assert [unlike_others(score, point) for score in (-0.3, 0.1, 0.21, 0.39)] == [False, False, True, True]


def test_notes_of_pixels_go_with_them_and_notes_of_files_do_not() -> None:
    of_pixels, of_a_file, of_another = (
        Note.of(code)
        for code in (NoteCode.TURNED, NoteCode.BURNT_IN_TEXT_DECLARED, NoteCode.AGE_OUTSIDE_VALIDATED_RANGE)
    )
    answer = Prediction(
        finding=Finding.PNEUMONIA,
        probability=0.9,
        ood_score=0,
        heatmap=[[2.2]],
        model=ModelIdentity(name="toy", version=1, engine="toy"),
        notes=(of_pixels, of_a_file),
    )
    image = JobImage(name="a", sha256=None, size_bytes=1, notes=(of_another,))
    assert image.noted(answer).notes == (of_pixels, of_another)
    assert JobImage(name="a", sha256=None, size_bytes=1).noted(answer).notes == (of_pixels,)
