"""Which films an epoch shows, in which order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainer.data.film import Film


def epoch_rows(films: Sequence[Film], imbalance: str, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Rows of one epoch, shuffled.

    ``balanced``: half from each class, and within a class every patient as often as any other (some have 30 films).
    Otherwise every film once, or ``count`` of them.
    """
    labels = np.array([film.label for film in films])
    if imbalance != "balanced":
        rows = random.permutation(len(films))
        return rows[:count] if count else rows
    count = count or 2 * int(min((labels == 0).sum(), (labels == 1).sum()))
    halves = [_by_patient(films, np.flatnonzero(labels == label), count // 2, random) for label in (0, 1)]
    return random.permutation(np.concatenate(halves))


def _by_patient(
    films: Sequence[Film], rows: NDArray[np.int64], count: int, random: np.random.Generator
) -> NDArray[np.int64]:
    by_patient: dict[str, list[int]] = {}
    for row in rows:
        by_patient.setdefault(films[row].patient, []).append(int(row))
    patients = list(by_patient.values())
    rounds = [random.permutation(len(patients)) for _ in range(-(-count // len(patients)))]
    return np.array([random.choice(patients[i]) for i in np.concatenate(rounds)[:count]], np.int64)
