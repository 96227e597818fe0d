"""Burnt-in text at the borders is seen on a film; what films have by themselves is not taken for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from gateway.dicom.lettering import is_lettered
from trainer.phantom import phantoms


def film(size: int = 900, seed: int = 1) -> Image.Image:
    return Image.fromarray(phantoms(1, size, seed)[0, 0])


def lettered(film: Image.Image, text: str, height: float, below: bool) -> Image.Image:
    film = film.copy()
    text_px = int(height * film.height)
    place = (film.width // 50, film.height - 2 * text_px if below else text_px // 2)
    ImageDraw.Draw(film).text(place, text, fill=255, font=ImageFont.load_default(text_px))
    return film


@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize("height", [0.02, 0.03, 0.05])
def test_a_name_at_the_border_is_seen(height: float, below: bool) -> None:
    assert is_lettered(lettered(film(), "MUELLER, HANS 12.03.1987", height, below))


def test_a_film_without_text_and_one_with_a_side_marker_are_not_lettered() -> None:
    assert not any(is_lettered(film(seed=seed)) for seed in range(5))
    assert not is_lettered(lettered(film(), "L", 0.05, below=False))
    assert not is_lettered(Image.new("L", (64, 64)))


def test_few_real_films_are_taken_for_lettered(originals: list[Path]) -> None:
    found = [path.name for path in originals if is_lettered(Image.open(path))]
    assert len(found) <= 0.04 * len(originals)
