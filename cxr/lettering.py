"""Whether text seems to be burnt into a film at its upper or lower border, where exporters write names and dates.

Letters are strokes: many sharp edges from left to right within a part of one row, and the same in the rows above and
below. Bones and lungs have few; a lone side marker has fewer than ``EDGES``. ``tests/unit/test_lettering.py`` draws
names into drawn films and bounds how many real films are taken for lettered. Small and faint letters are
missed: a remark, never a promise.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

BORDER = 0.12  # of the height, above and below
WINDOW = 3  # a line of letters fits into one part of so many of the width
STROKE_GREY = 60  # least difference between grey levels two pixels apart
EDGES = 12  # strokes of about four letters
ROWS = 0.008  # of the height: the least that letters are high
LEAST_ROWS, LEAST_BORDER_PX = 5, 16


def is_lettered(film: Image.Image) -> bool:
    """Look at a film's grey levels, 8 bits."""
    grey = np.asarray(film.convert("L"))
    height, width = grey.shape
    border_px = max(LEAST_BORDER_PX, int(BORDER * height))
    rows = max(LEAST_ROWS, int(ROWS * height))
    borders = grey[:border_px], grey[-border_px:]
    return any(_most_edges(border.astype(np.int16), width // WINDOW, rows) >= EDGES for border in borders)


def _most_edges(band: np.ndarray[tuple[int, ...], np.dtype[np.int16]], window_px: int, rows: int) -> int:
    """The most edges that every one of ``rows`` neighbouring rows has in its busiest window."""
    sharp = np.abs(band[:, 2:] - band[:, :-2]) > STROKE_GREY
    edges = sharp[:, 1:] & ~sharp[:, :-1]
    if len(band) < rows or edges.shape[1] < window_px:
        return 0
    counted = np.cumsum(np.pad(edges, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    busiest = (counted[:, window_px:] - counted[:, :-window_px]).max(1)
    return int(np.lib.stride_tricks.sliding_window_view(busiest, rows).min(1).max())
