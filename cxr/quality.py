"""What may be wrong with how a film was taken: turned, cut off, flat, unlike other films. Remarks, not refusals; an
inverted film alone is refused, for the model was never shown one and answers it all the same.

A film is reduced to 8 x 8 grey levels and compared with the average film: as it is, turned, and with a quarter of one
side cut away. Thresholds let few films of the validation set be remarked on; ``python -m trainer quality`` prints the
average film, measures the thresholds, and says what of turned and cropped films is found. No test film was looked at.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from cxr.notes import NoteCode
from cxr.schemas import OperatingPoint

Floats = NDArray[np.float32]

CELLS = 8  # a side; 224 is a multiple of it
POSTURES = 4  # upright, and turned by 90, 180 and 270 degrees
# The mean of the 4,449 training films, each brought to mean 0 and deviation 1, then to 0..255.
AVERAGE_FILM = (
    (49, 93, 134, 190, 189, 133, 91, 44),
    (51, 137, 152, 183, 183, 154, 134, 48),
    (28, 145, 119, 183, 193, 130, 144, 27),
    (12, 134, 107, 201, 220, 140, 136, 11),
    (7, 114, 112, 215, 235, 170, 122, 4),
    (4, 99, 117, 213, 236, 183, 109, 0),
    (8, 140, 193, 235, 240, 199, 124, 0),
    (20, 197, 242, 255, 250, 225, 176, 10),
)
# How much better another posture or a cropped chest must fit than the average film, as a difference of correlations.
TURNED_FROM = 0.03
LEFT_CUT_FROM, RIGHT_CUT_FROM, BOTTOM_CUT_FROM = 0.02, 0.07, 0.06
FLAT_BELOW = 14.0  # deviation of the inner 6 x 6 grey levels
# Correlation with the average film; 741 validation films have 0.36 or more, 354 adults (NIH) 0.05 or more.
INVERTED_BELOW = -0.1
# Said of films that are refused anyhow: 99.6 % of the inverted training films are below, 2 of 28 photographs.
PLAINLY_INVERTED_BELOW = -0.5
UNLIKE_FROM = 0.5  # share of the way from 0, a typical film, to the limit where a film is refused


def remarks(films: NDArray[np.uint8]) -> list[list[NoteCode]]:
    """[N,1,224,224] uint8 -> what is remarkable of each film's posture, framing and contrast."""
    cells = reduced(films)
    turned, cut = fits(cells)
    found = {
        NoteCode.TURNED: turned > TURNED_FROM,
        NoteCode.CUT_OFF: (cut > (LEFT_CUT_FROM, RIGHT_CUT_FROM, BOTTOM_CUT_FROM)).any(1) & (turned <= TURNED_FROM),
        NoteCode.LOW_CONTRAST: contrast(cells) < FLAT_BELOW,
    }
    return [[code for code, of_films in found.items() if of_films[film]] for film in range(len(films))]


def inverted(films: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """[N,1,224,224] uint8 -> [N] whether a film is more like the negative of the average film than like that film,
    turned in any way: not to be judged.
    """
    found: NDArray[np.bool_] = polarity(films) < INVERTED_BELOW
    return found


def polarity(films: NDArray[np.uint8]) -> Floats:
    """[N,1,224,224] uint8 -> [N] correlation with the average film; 1 where some turning of it fits better than its
    negative does.
    """
    correlations = standardised(reduced(films)) @ _templates()[:, :POSTURES]
    upright, least, most = correlations[:, 0], correlations.min(1), correlations.max(1)
    found: Floats = np.where(-least > most, upright, np.float32(1))
    return found


def unlike_others(ood_score: float, point: OperatingPoint) -> bool:
    """Whether a film that is not refused comes near to it."""
    return ood_score > UNLIKE_FROM * max(point.ood_limit, 0.0)


def reduced(films: NDArray[np.uint8]) -> Floats:
    """[N,1,224,224] uint8 -> [N,8,8] mean grey levels."""
    side_px = films.shape[-1]
    cell_px = side_px // CELLS
    rows = films.reshape(-1, CELLS, cell_px, side_px).sum(2, dtype=np.uint16)  # whole numbers add up fastest
    cells: Floats = rows.reshape(-1, CELLS, CELLS, cell_px).sum(3, dtype=np.uint32).astype(np.float32) / cell_px**2
    return cells


def fits(cells: Floats) -> tuple[Floats, Floats]:
    """[N,8,8] -> how much better than the upright average film fit: the best turned one [N]; the one without its left,
    right and bottom quarter [N,3].
    """
    correlations = standardised(cells) @ _templates()
    better = correlations[:, 1:] - correlations[:, :1]
    return better[:, : POSTURES - 1].max(1), better[:, POSTURES - 1 :]


def contrast(cells: Floats) -> Floats:
    """[N,8,8] -> [N] deviation of the grey levels inside the frame."""
    inner: Floats = cells[:, 1:-1, 1:-1].std((1, 2))
    return inner


def standardised(cells: Floats) -> Floats:
    """[N,8,8] -> [N,64] of mean 0 and length 1; a blank film stays 0."""
    flat = cells.reshape(len(cells), -1)
    flat = flat - flat.mean(1, keepdims=True)
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    directions: Floats = np.divide(flat, lengths, out=np.zeros_like(flat), where=lengths > 0)
    return directions


@cache
def _templates() -> Floats:
    """[64,7]: the average film upright, turned by 90, 180 and 270 degrees, and without left, right and bottom."""
    film = np.array(AVERAGE_FILM, np.float32)
    turned = [np.rot90(film, quarters) for quarters in (1, 2, 3)]
    cut = [without_left(film), without_left(film[:, ::-1])[:, ::-1], without_left(film[::-1].T).T[::-1]]
    templates: Floats = standardised(np.stack([film, *turned, *cut])).T
    return templates


def without_left(film: Floats) -> Floats:
    """What is left of a film, stretched over the frame again, when its left quarter is cut away."""
    first = CELLS / 4
    places = first + (np.arange(CELLS) + 0.5) * (CELLS - first) / CELLS - 0.5
    return np.stack([np.interp(places, np.arange(CELLS), row) for row in film]).astype(np.float32)
