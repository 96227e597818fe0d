"""Figures measured several times: the median, and how far apart the rounds were."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One quantity, as often as it was measured."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Figure:
        return cls(tuple(values))

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def text(self, digits: int = 0) -> str:
        """The median, and behind it the least and the most where there are several."""
        median = f"{self.median:,.{digits}f}"
        if len(self.values) == 1:
            return median
        return f"{median} ({min(self.values):,.{digits}f} to {max(self.values):,.{digits}f})"

    def ratio_to(self, other: Figure) -> Figure:
        """Round by round: what else the machine did in a round met both alike."""
        return Figure.of(mine / theirs for mine, theirs in zip(self.values, other.values, strict=True))


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that ``percent`` of a hundred do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def best(candidates: dict[str, Figure]) -> str:
    """Which of them has the highest median."""
    return max(candidates, key=lambda name: candidates[name].median)
