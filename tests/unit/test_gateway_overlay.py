"""The heatmap as it is drawn: in its place, warm only where it speaks for pneumonia, on one scale."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gateway.overlay import FULL_DENSITY, SHOWN_PX, film_png, heatmap_png, overlay_png, warm_layer

SIZE = (280, 140)


def heat(*cells: tuple[int, int, float], background: float = 0.0) -> list[list[float]]:
    grid = np.full((7, 7), background)
    for row, column, value in cells:
        grid[row, column] = value
    return [[float(cell) for cell in line] for line in grid]


def alpha(heatmap: list[list[float]]) -> NDArray[np.uint8]:
    """[height, width] of the layer's opacity."""
    return np.asarray(warm_layer(heatmap, SIZE).getchannel("A"))


def test_what_speaks_against_pneumonia_is_left_clear() -> None:
    assert alpha(heat(background=-0.5)).max() == 0


def test_a_warm_cell_is_drawn_in_its_place() -> None:
    layer = alpha(heat((5, 1, 1.0), background=-0.1))
    row, column = np.unravel_index(layer.argmax(), layer.shape)
    assert abs(row - 5.5 * 20) <= 10
    assert abs(column - 1.5 * 40) <= 20
    assert layer[:60].max() == 0
    assert layer[:, 160:].max() == 0


def test_the_upsampling_is_smooth() -> None:
    steps = np.abs(np.diff(alpha(heat((3, 3, 1.0))).astype(int), axis=1))
    assert steps.max() < 16


def test_an_almost_cold_film_looks_so_while_a_warm_one_uses_the_whole_scale() -> None:
    full = FULL_DENSITY / 49
    assert alpha(heat((3, 3, full / 10))).max() < alpha(heat((3, 3, full))).max() / 5
    assert alpha(heat((3, 3, full))).max() > 200
    assert alpha(heat((3, 3, full * 5))).max() > 200


def test_colours_are_warm_and_rise_in_lightness() -> None:
    layer = np.asarray(warm_layer(heat((3, 3, 1.0)), SIZE)).astype(int)
    drawn = layer[layer[..., 3] > 20]
    assert (drawn[:, 0] >= drawn[:, 2]).all()
    by_strength = drawn[np.argsort(drawn[:, 3])]
    assert by_strength[-1, :3].sum() > by_strength[0, :3].sum()


def test_the_overlay_keeps_the_film_where_nothing_is_warm() -> None:
    film = Image.fromarray(np.full((140, 280), 100, np.uint8))
    drawn = np.asarray(Image.open(io.BytesIO(overlay_png(film, heat((5, 1, 1.0)), opacity=1.0)))).astype(int)
    assert drawn.shape == (140, 280, 3)
    assert (drawn[10, 250] == 100).all()
    assert drawn[110, 60, 0] > drawn[110, 60, 2] + 40


def test_no_opacity_is_the_film_alone() -> None:
    film = Image.fromarray(np.full((140, 280), 100, np.uint8))
    drawn = np.asarray(Image.open(io.BytesIO(overlay_png(film, heat((3, 3, 1.0)), opacity=0.0))))
    assert (drawn == 100).all()


def test_film_and_heatmap_share_one_size_and_large_films_are_reduced() -> None:
    film = Image.fromarray(np.zeros((1500, 3000), np.uint8))
    shown = Image.open(io.BytesIO(film_png(film)))
    assert shown.size == (SHOWN_PX, SHOWN_PX // 2)
    assert Image.open(io.BytesIO(heatmap_png(heat(), shown.size))).size == shown.size
    assert film.size == (3000, 1500)
