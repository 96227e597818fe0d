"""The Kermany films as every step sees them: train and validation grouped by patient, the test films apart."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from trainer.data import kermany
from trainer.data.aspects import Aspects, log_aspects
from trainer.data.film import Film, data_folder
from trainer.data.pixels import CACHE_DIR, pixels
from trainer.data.splits import grouped_split
from trainer.openings import write_down
from trainer.refusals import StepRefused
from trainer.shift import shifted


@dataclass(frozen=True)
class FilmSet:
    """Films with their pixels [N,1,224,224] uint8 (a memory map)."""

    films: list[Film]
    pixels: NDArray[np.uint8]
    log_aspects: Aspects | None = None
    """[N] log(width / height) before the films were made square, NaN where nothing says it; None: nobody asked."""

    @classmethod
    def of(cls, films: list[Film]) -> FilmSet:
        return cls(films, pixels(films))

    @classmethod
    def to_learn_from(cls, films: list[Film]) -> FilmSet:
        """With their widths: networks learn to judge without them, and are judged on films of other widths."""
        seen = pixels(films)
        return cls(films, seen, log_aspects(films, seen))

    @property
    def labels(self) -> NDArray[np.int64]:
        return np.array([film.label for film in self.films], np.int64)

    @property
    def patients(self) -> list[str]:
        return [film.patient for film in self.films]

    @cached_property
    def sha256(self) -> str:
        """SHA-256, in hex, over labels, widths and pixels in their order; what is computed of them is kept by it."""
        digest = hashlib.sha256(self.labels.tobytes())
        if self.log_aspects is not None:
            digest.update(self.log_aspects.tobytes())
        digest.update(np.ascontiguousarray(self.pixels))
        return digest.hexdigest()

    def digests(self) -> list[bytes]:
        """SHA-256 of each film's pixels."""
        return [hashlib.sha256(np.ascontiguousarray(film)).digest() for film in self.pixels]


def train_and_validation() -> tuple[FilmSet, FilmSet]:
    """Kermany's training films without duplicates, one patient-grouped fold of seven held out."""
    folder = data_folder("kermany_224")
    train, validation = grouped_split(kermany.without_duplicates(kermany.read(folder, "train"), folder))
    return FilmSet.to_learn_from(train), FilmSet.to_learn_from(validation)


def shifted_validation(validation: FilmSet, name: str) -> NDArray[np.uint8]:
    """The validation films under one shift of ``trainer.shift``; kept on disk, by these films, after the first time."""
    cache = CACHE_DIR / "shifted" / validation.sha256[:24]
    return shifted(validation.pixels, validation.labels, name, cache, validation.log_aspects)


def test_films(run: str, why: str, learned: Sequence[FilmSet]) -> FilmSet:
    """The official test films, all of them, as in published work. The opening is written down, with run and reason.

    Raises:
        StepRefused: some are also among the ``learned`` (training and validation) films, or of their patients.
    """
    test = FilmSet.of(kermany.read(data_folder("kermany_224"), "test"))
    refuse_learned(test, learned)
    write_down(run, why)
    return test


def refuse_learned(test: FilmSet, learned: Sequence[FilmSet]) -> None:
    """See that no pixels and no patient of the test films are among others; see ``test_films``."""
    pixels_there = {digest for films in learned for digest in films.digests()}
    patients_there = {(film.source, film.patient) for films in learned for film in films.films}
    same = sum(digest in pixels_there for digest in test.digests())
    if same:
        raise StepRefused(f"{same} test films are also training films")
    of_same = sum((film.source, film.patient) in patients_there for film in test.films)
    if of_same:
        raise StepRefused(f"{of_same} test films are of patients of the training films")
