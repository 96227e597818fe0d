"""The Kermany films as every step sees them: train and validation grouped by patient, the test films apart."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainer.data import kermany
from trainer.data.film import Film, data_folder
from trainer.data.pixels import CACHE_DIR, pixels
from trainer.data.splits import grouped_split
from trainer.shift import shifted

# Kept under version control: how often the test films were looked at is part of what their figures are worth.
OPENINGS = Path("docs/test_openings.log")


@dataclass(frozen=True)
class FilmSet:
    """Films with their pixels [N,1,224,224] uint8 (a memory map)."""

    films: list[Film]
    pixels: NDArray[np.uint8]

    @classmethod
    def of(cls, films: list[Film]) -> FilmSet:
        return cls(films, pixels(films))

    @property
    def labels(self) -> NDArray[np.int64]:
        return np.array([film.label for film in self.films], np.int64)

    @property
    def patients(self) -> list[str]:
        return [film.patient for film in self.films]

    @cached_property
    def sha256(self) -> str:
        """SHA-256, in hex, over labels and pixels in their order; what is computed of them is kept by it."""
        digest = hashlib.sha256(self.labels.tobytes())
        digest.update(np.ascontiguousarray(self.pixels))
        return digest.hexdigest()


def train_and_validation() -> tuple[FilmSet, FilmSet]:
    """Kermany's training films without duplicates, one patient-grouped fold of seven held out."""
    folder = data_folder("kermany_224")
    train, validation = grouped_split(kermany.without_duplicates(kermany.read(folder, "train"), folder))
    return FilmSet.of(train), FilmSet.of(validation)


def shifted_validation(validation: FilmSet, name: str) -> NDArray[np.uint8]:
    """The validation films under one shift of ``trainer.shift``; kept on disk, by these films, after the first time."""
    return shifted(validation.pixels, validation.labels, name, CACHE_DIR / "shifted" / validation.sha256[:24])


def test_films(run: str, why: str) -> FilmSet:
    """The 624 official test films, all of them, as in published work. Every opening is written down in
    ``docs/test_openings.log``, with run and reason.
    """
    folder = data_folder("kermany_224")
    OPENINGS.parent.mkdir(parents=True, exist_ok=True)
    with OPENINGS.open("a") as log:
        log.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {run}: {why}\n")
    return FilmSet.of(kermany.read(folder, "test"))
