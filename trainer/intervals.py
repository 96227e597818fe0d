"""95 % intervals by bootstrap over patients: films of one patient are drawn together.

Where every film is right, or none, every resample says the same and the bootstrap would claim certainty: there the
interval is the exact one of Clopper and Pearson (1934), of as many trials as there are patients.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest

from cxr.schemas import Estimate
from trainer.metrics import Counted, Figures, Floats, Labels

RESAMPLES = 1000
SEED = 95
# Neither is a rate. But each patient of the smaller class paired with another of the larger is an independent trial of
# whether the pneumonia scores higher, and the AUC is the rate of that; average precision borrows its interval.
OF_PAIRS = ("auc", "average_precision")


def no_rates(_: Labels, __: Floats) -> dict[str, np.ndarray]:
    """For figures of which none but the AUC needs an exact interval."""
    return {}


def estimates(
    labels: Labels,
    probabilities: Floats,
    patients: Sequence[str],
    figures: Figures,
    resamples: int = RESAMPLES,
    counted: Counted = no_rates,
) -> dict[str, Estimate]:
    """Every figure with the 2.5th and 97.5th percentile over resampled patients (NaN resamples are left out); exact
    where it is 0 or 1. A figure that has no value, such as the precision where nothing was called, is left out.
    """
    drawn = [figures(labels[rows], probabilities[rows]) for rows in _resampled_rows(patients, resamples)]
    trials = _trials(labels, probabilities, np.asarray(patients), counted)
    result = {}
    for name, value in figures(labels, probabilities).items():
        if np.isnan(value):
            continue
        if value in (0.0, 1.0) and trials.get(name):
            low, high = exact(value, trials[name])
            if name == "f1":  # of the share s of hits among the called and the ill it is 2 s / (1 + s)
                low, high = 2 * low / (1 + low), 2 * high / (1 + high)
        else:
            low, high = np.nanpercentile([sample[name] for sample in drawn], [2.5, 97.5])
        result[name] = Estimate(value=value, low=float(low), high=float(high))
    return result


def exact(rate: float, trials: int) -> tuple[float, float]:
    """The interval of a rate of 0 or 1."""
    found = binomtest(round(rate * trials), trials).proportion_ci(method="exact")
    return float(found.low), float(found.high)


def _trials(labels: Labels, probabilities: Floats, patients: np.ndarray, counted: Counted) -> dict[str, int]:
    """How many patients each rate is a rate of."""
    trials = {name: len(set(patients[rows])) for name, rows in counted(labels, probabilities).items()}
    pairs = min(len(set(patients[labels == label])) for label in (0, 1))
    return {**trials, **dict.fromkeys(OF_PAIRS, pairs)}


def _resampled_rows(patients: Sequence[str], resamples: int) -> list[np.ndarray]:
    names, owner = np.unique(np.asarray(patients), return_inverse=True)
    rows = np.split(np.argsort(owner, kind="stable"), np.bincount(owner).cumsum()[:-1])
    random = np.random.default_rng(SEED)
    return [np.concatenate([rows[i] for i in random.integers(0, len(names), len(names))]) for _ in range(resamples)]
