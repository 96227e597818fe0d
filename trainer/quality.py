"""Step ``quality``: the average film of ``cxr.quality``, and what its thresholds remark on, measured on validation
films as they are, turned and cropped; no test film is seen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from cxr.errors import InvertedFilm
from cxr.notes import NoteCode
from cxr.quality import AVERAGE_FILM, contrast, fits, inverted, reduced, remarks, standardised
from trainer.kermany_set import train_and_validation

CONSOLE = Console()
CODES = (NoteCode.TURNED, NoteCode.CUT_OFF, NoteCode.LOW_CONTRAST)
CROPPED = 0.25  # of the side


def quality() -> None:
    """Print the average film, where the thresholds lie among validation films, and what they find."""
    train, validation = train_and_validation()
    average = average_film(train.pixels)
    CONSOLE.print("average film" + ("" if average == AVERAGE_FILM else " (cxr/quality.py has another)"), *average)
    films = np.ascontiguousarray(validation.pixels)
    turned, cut = fits(reduced(films))
    CONSOLE.print("99.5 % of validation films turn up to", round(float(np.percentile(turned, 99.5)), 3))
    CONSOLE.print("left, right, bottom cut up to", np.percentile(cut, 99.5, axis=0).round(3))
    CONSOLE.print("and have a contrast from", round(float(np.percentile(contrast(reduced(films)), 0.5)), 1))
    table = Table("validation films", *(code.value for code in CODES), InvertedFilm.code)
    for name, changed in changes(films).items():
        found = remarks(changed)
        shares = [np.mean([code in codes for codes in found]) for code in CODES]
        table.add_row(name, *(f"{share:.1%}" for share in (*shares, inverted(changed).mean())))
    CONSOLE.print(table)


def average_film(films: NDArray[np.uint8]) -> tuple[tuple[int, ...], ...]:
    """[N,1,224,224] uint8 -> 8 rows of 8 grey levels, 0 to 255."""
    mean = standardised(reduced(np.ascontiguousarray(films))).mean(0).reshape(8, 8)
    grey = np.rint(255 * (mean - mean.min()) / (mean.max() - mean.min()))
    return tuple(tuple(int(level) for level in row) for row in grey)


def changes(films: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """The films as they are, turned, with a quarter of one side cut away, flattened to a third, and inverted."""
    side = films.shape[-1]
    gone = round(side * CROPPED)
    boxes = {
        "left quarter cut away": (gone, 0, side, side),
        "right quarter cut away": (0, 0, side - gone, side),
        "top quarter cut away": (0, gone, side, side),
        "bottom quarter cut away": (0, 0, side, side - gone),
    }
    return {
        "as they are": films,
        **{f"turned by {90 * n} degrees": np.ascontiguousarray(np.rot90(films, n, (2, 3))) for n in (1, 2, 3)},
        **{name: _cropped(films, box) for name, box in boxes.items()},
        "a third of their contrast": (films // 3 + 85).astype(np.uint8),
        "inverted": 255 - films,
    }


def _cropped(films: NDArray[np.uint8], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    size = films.shape[-2:]
    pictures = [Image.fromarray(film[0]).crop(box).resize(size, Image.Resampling.BILINEAR) for film in films]
    return np.stack([np.asarray(picture)[np.newaxis] for picture in pictures])
