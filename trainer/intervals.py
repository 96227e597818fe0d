"""95 % intervals by bootstrap over patients: films of one patient are drawn together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cxr.schemas import Estimate
from trainer.metrics import Figures, Floats, Labels

RESAMPLES = 1000
SEED = 95


def estimates(
    labels: Labels, probabilities: Floats, patients: Sequence[str], figures: Figures, resamples: int = RESAMPLES
) -> dict[str, Estimate]:
    """Every figure with the 2.5th and 97.5th percentile over resampled patients (NaN resamples are left out)."""
    drawn = [figures(labels[rows], probabilities[rows]) for rows in _resampled_rows(patients, resamples)]
    result = {}
    for name, value in figures(labels, probabilities).items():
        low, high = np.nanpercentile([sample[name] for sample in drawn], [2.5, 97.5])
        result[name] = Estimate(value=value, low=float(low), high=float(high))
    return result


def _resampled_rows(patients: Sequence[str], resamples: int) -> list[np.ndarray]:
    names, owner = np.unique(np.asarray(patients), return_inverse=True)
    rows = np.split(np.argsort(owner, kind="stable"), np.bincount(owner).cumsum()[:-1])
    random = np.random.default_rng(SEED)
    return [np.concatenate([rows[i] for i in random.integers(0, len(names), len(names))]) for _ in range(resamples)]
