"""Figures of parts of a set: who they are, how many, and how the model does on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.data.film import Film
from trainer.intervals import estimates
from trainer.metrics import Floats, Labels, auc, decisions

Figures = dict[str, float]


@dataclass(frozen=True)
class Scored:
    """Films with their truth and the model's answers; ``refused`` marks those above the OOD limit."""

    films: Sequence[Film]
    labels: Labels
    probabilities: Floats
    refused: NDArray[np.bool_]

    def where(self, chosen: Callable[[Film], bool]) -> Scored:
        """The part of the films for which ``chosen`` is true."""
        rows = np.array([chosen(film) for film in self.films], bool)
        films = [film for film, row in zip(self.films, rows, strict=True) if row]
        return Scored(films, self.labels[rows], self.probabilities[rows], self.refused[rows])


def row(scored: Scored, threshold: float, resamples: int = 300) -> dict[str, float | None]:
    """One line of a subgroup table; AUC with its interval where both classes are there."""
    called = scored.probabilities >= threshold
    result: dict[str, float | None] = {
        "films": len(scored.films),
        "patients": len({film.patient for film in scored.films}),
        "refused": _or_none(scored.refused.mean()) if len(scored.films) else None,
    }
    if not len(scored.films):
        return result
    figures = decisions(scored.labels, called)
    result |= {name: _or_none(figures[name]) for name in ("sensitivity", "specificity")}
    if 0 < scored.labels.sum() < len(scored.labels):
        patients = [film.patient for film in scored.films]
        area = estimates(scored.labels, scored.probabilities, patients, lambda y, p: {"auc": auc(y, p)}, resamples)[
            "auc"
        ]
        result |= {"auc": area.value, "auc_low": area.low, "auc_high": area.high}
    return result


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def table(groups: Mapping[str, Scored], threshold: float) -> dict[str, dict[str, float | None]]:
    """One line a group."""
    return {name: row(scored, threshold) for name, scored in groups.items()}
