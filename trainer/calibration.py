"""From log-odds to probabilities, findings and refusals; every choice on held-out films, never on the test films."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from cxr.schemas import OperatingPoint
from trainer.metrics import Floats, Labels

# A band of films that are left to a person must keep answered accuracy at or above this: the project's own aim.
ANSWERED_ACCURACY = 0.98


@dataclass(frozen=True)
class Platt:
    """Platt 1999: log-odds times slope plus intercept."""

    slope: float
    intercept: float

    def probability(self, logits: Floats) -> Floats:
        return np.asarray(expit(self.slope * logits + self.intercept))


def class_weights(labels: Labels) -> Floats:
    """Weights under which both classes count the same: the prevalence of 0.74 in the training set is an accident of
    it.
    """
    share = labels.mean()
    return np.where(labels == 1, 0.5 / share, 0.5 / (1 - share))


def fit_platt(logits: Floats, labels: Labels) -> Platt:
    """The slope (kept positive) and intercept of least class-balanced log loss."""
    weights = class_weights(labels)

    def loss(values: Floats) -> float:
        z = np.exp(values[0]) * logits + values[1]
        return float(np.mean(weights * (np.logaddexp(0, z) - labels * z)))

    best = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-8, "maxiter": 2000}).x
    return Platt(float(np.exp(best[0])), float(best[1]))


def steadfast_threshold(shifts: dict[str, Floats], labels: Labels) -> float:
    """The probability whose worst figure, over sensitivity and specificity on every shift, is best.

    What recording the next hospital has is not known, so the threshold is chosen for the worst of those tried and not
    for their mean: a threshold that is best on films as they are calls too many normals ill once they are blurred.
    """
    cuts = np.linspace(0.01, 0.99, 981)
    worst = np.ones(len(cuts))
    for probabilities in shifts.values():
        normals, pneumonias = np.sort(probabilities[labels == 0]), np.sort(probabilities[labels == 1])
        specificity = np.searchsorted(normals, cuts, side="left") / len(normals)
        sensitivity = 1 - np.searchsorted(pneumonias, cuts, side="left") / len(pneumonias)
        worst = np.minimum(worst, np.minimum(specificity, sensitivity))
    best = np.flatnonzero(worst == worst.max())
    return float(cuts[best].mean())


def indeterminate_band(probabilities: Floats, labels: Labels, threshold: float) -> tuple[float, float]:
    """The band [low, high) around the threshold that leaves most films answered at class-balanced accuracy >= 0.98.

    Both edges are moved through the films' own probabilities; of all pairs that reach the accuracy, the one with most
    coverage; without any, the whole range.
    """
    weights = class_weights(labels)
    right = (probabilities >= threshold) == (labels == 1)
    below, above = probabilities[probabilities < threshold], probabilities[probabilities >= threshold]
    lows = np.concatenate([[threshold], np.quantile(below, np.linspace(1, 0, 80)[1:])]) if len(below) else [threshold]
    highs = np.concatenate([[threshold], np.quantile(above, np.linspace(0, 1, 80)[1:])]) if len(above) else [threshold]
    best, coverage = (0.0, 1.0), 0.0
    for low in lows:
        for high in highs:
            answered = (probabilities < low) | (probabilities >= high)
            weight = float(weights[answered].sum())
            if weight > coverage and float(weights[answered & right].sum()) >= ANSWERED_ACCURACY * weight:
                best, coverage = (float(low), float(high)), weight
    return best


@dataclass(frozen=True)
class Calibration:
    """What turns one model's log-odds into findings."""

    platt: Platt
    threshold: float
    low: float
    high: float

    def point(self, ood_limit: float) -> OperatingPoint:
        return OperatingPoint(
            threshold=self.threshold, indeterminate_low=self.low, indeterminate_high=self.high, ood_limit=ood_limit
        )


def choose(shifts: dict[str, Floats], labels: Labels) -> Calibration:
    """Calibration, threshold and band from log-odds [N] on every shifted validation of the same films."""
    pooled, truth = np.concatenate(list(shifts.values())), np.concatenate([labels] * len(shifts))
    platt = fit_platt(pooled, truth)
    threshold = steadfast_threshold({name: platt.probability(logits) for name, logits in shifts.items()}, labels)
    return Calibration(platt, threshold, *indeterminate_band(platt.probability(pooled), truth, threshold))


def ood_limit(*chest_scores: Floats) -> float:
    """The lowest limit that refuses at most 1 % of each group of held-out chest films."""
    return float(max(np.quantile(scores, 0.99) for scores in chest_scores))
