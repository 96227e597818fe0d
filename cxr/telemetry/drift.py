"""Whether today's probabilities look like those of the validation films.

The population stability index compares two histograms: the sum over bins of ``(p - q) * ln(p / q)``, which is the
symmetrised Kullback-Leibler divergence. Conventional reading (Siddiqi, Credit Risk Scorecards, 2006): below 0.1 no
change, 0.1 to 0.25 some change, above 0.25 a shift worth acting on. By chance alone it is about
``(bins - 1) * (1/n + 1/m)`` (Yurdakul, Statistical Properties of Population Stability Index, 2018), so it is not shown
before ``LEAST`` answers: 0.045 by chance then, 0.009 with a full window.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from threading import Lock

BINS = 10  # [0, 0.1), [0.1, 0.2), ... [0.9, 1]
WINDOW = 1000
LEAST = 200


def bin_of(probability: float) -> int:
    """The bin of one probability in [0, 1]."""
    return min(int(probability * BINS), BINS - 1)


def population_stability_index(reference: Sequence[float], observed: Sequence[float]) -> float:
    """Of two histograms over the same bins, as counts; half an answer is added to each bin, so that none is empty."""
    if len(reference) != len(observed):
        raise ValueError("both histograms need the same bins")
    pairs = zip(_fractions(reference), _fractions(observed), strict=True)
    return math.fsum((p - q) * math.log(p / q) for q, p in pairs)


class RecentProbabilities:
    """The last ``WINDOW`` probabilities that this process has answered with, as a histogram; safe from any thread."""

    def __init__(self, window: int = WINDOW) -> None:
        self._bins: deque[int] = deque(maxlen=window)
        self._counts: Counter[int] = Counter()
        self._lock = Lock()

    def add(self, probabilities: Iterable[float]) -> None:
        with self._lock:
            for probability in probabilities:
                if len(self._bins) == self._bins.maxlen:
                    self._counts[self._bins[0]] -= 1
                bin_index = bin_of(probability)
                self._bins.append(bin_index)
                self._counts[bin_index] += 1

    def clear(self) -> None:
        """Forget everything: another model answers from here on."""
        with self._lock:
            self._bins.clear()
            self._counts.clear()

    def drift(self, reference: Sequence[float]) -> float | None:
        """The index against ``reference`` (counts per bin); None before ``LEAST`` answers."""
        with self._lock:
            if len(self._bins) < LEAST:
                return None
            observed = [self._counts[bin_index] for bin_index in range(BINS)]
        return population_stability_index(reference, observed)


def _fractions(counts: Sequence[float]) -> list[float]:
    total = sum(counts) + 0.5 * len(counts)
    return [(count + 0.5) / total for count in counts]
