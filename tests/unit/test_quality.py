"""What is remarked on a film: its posture, framing and contrast; and that notes stay with the pixels they are of."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cxr.errors import TooFewPixels
from cxr.imaging import preprocess
from cxr.notes import NoteCode
from cxr.quality import (
    AVERAGE_FILM,
    PLAINLY_INVERTED_BELOW,
    contrast,
    fits,
    inverted,
    polarity,
    reduced,
    remarks,
    standardised,
    unlike_others,
    without_left,
)
from cxr.schemas import Finding, JobImage, ModelIdentity, Note, OperatingPoint, Prediction


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


def test_films_are_compared_whatever_their_brightness_and_contrast() -> None:
    cells = np.random.default_rng(1).normal(100, 20, (3, 8, 8)).astype(np.float32)
    cells[1] = cells[0] / 4 + 150
    cells[2] = 90
    directions = standardised(cells)
    assert directions[1] == pytest.approx(directions[0], abs=1e-5)
    assert directions.mean(1) == pytest.approx(np.zeros(3), abs=1e-6)
    assert np.linalg.norm(directions, axis=1) == pytest.approx(np.array([1, 1, 0]), abs=1e-6)


def test_contrast_is_of_what_lies_inside_the_frame() -> None:
    cells = np.zeros((6, 8, 8), np.float32)
    cells[0, [0, -1]] = cells[0, :, [0, -1]] = 255
    for film, (row, column) in enumerate([(1, 3), (6, 3), (3, 1), (3, 6)], 1):
        cells[film, row, column] = 36
    cells[5, 1:4, 1:7] = 20  # half of the inner cells
    assert contrast(cells) == pytest.approx(np.array([0, *[np.sqrt(35)] * 4, 10]), abs=1e-4)


def test_what_is_left_of_a_cut_film_is_stretched_over_the_frame() -> None:
    columns = np.tile(np.arange(8, dtype=np.float32), (8, 1))
    left = [1.875, 2.625, 3.375, 4.125, 4.875, 5.625, 6.375, 7.0]
    assert without_left(columns) == pytest.approx(np.tile(left, (8, 1)))


def test_each_way_to_turn_or_cut_a_film_is_told_from_the_others() -> None:
    film = np.array(AVERAGE_FILM, np.float32)
    turned_films = [np.rot90(film, quarters) for quarters in (1, 2, 3)]
    cut_films = [
        without_left(film),
        without_left(film[:, ::-1])[:, ::-1],
        np.rot90(without_left(np.rot90(film, -1)), 1),
    ]
    best_turn, cuts = fits(np.stack([film, *turned_films, *cut_films]))
    own = standardised(np.stack([film, *turned_films, *cut_films]))
    upright_film = own @ own[0]
    assert best_turn[1:4] == pytest.approx(1 - upright_film[1:4], abs=1e-5)
    assert np.diag(cuts[4:]) == pytest.approx(1 - upright_film[4:], abs=1e-5)
    assert list(cuts[4:].argmax(1)) == [0, 1, 2]


def test_inverted_films_are_plainly_so_and_photographs_seldom(originals: list[Path], data: Path) -> None:
    films = np.stack([preprocess(path.read_bytes()) for path in originals])
    photographs = []
    for path in sorted((data / "non_cxr" / "skimage_sklearn").glob("*.jpg")):
        with suppress(TooFewPixels):
            photographs.append(preprocess(path.read_bytes()))
    assert len(photographs) >= 10
    assert not inverted(films).any()
    assert (polarity(255 - films) < PLAINLY_INVERTED_BELOW).mean() > 0.98
    assert (polarity(np.stack(photographs)) < PLAINLY_INVERTED_BELOW).mean() < 0.1


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
    below = point.model_copy(update={"ood_limit": -0.4})
    assert [unlike_others(score, below) for score in (-0.5, -0.3)] == [False, False]


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
