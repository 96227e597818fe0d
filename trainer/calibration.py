"""From log-odds to probabilities, findings and refusals; every choice on held-out films, never on the test films."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from trainer.metrics import Floats, Labels

# A band of films that are left to a person must keep answered accuracy at or above this (issue: 0.98 on what it
# answers).
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


def balanced_threshold(probabilities: Floats, labels: Labels) -> float:
    """The probability at which sensitivity and specificity are equal.

    Their equality is steadier under resampling than the peak of their mean, which is nearly flat, and it asks the
    films of the shifted validation how far a changed recording moves normals up and pneumonias down.
    """
    normals, pneumonias = np.sort(probabilities[labels == 0]), np.sort(probabilities[labels == 1])
    cuts = np.unique(probabilities)
    specificity = np.searchsorted(normals, cuts, side="left") / len(normals)
    sensitivity = 1 - np.searchsorted(pneumonias, cuts, side="left") / len(pneumonias)
    at = int(np.argmin(np.abs(specificity - sensitivity)))
    below = cuts[at - 1] if at else 0.0
    return float((cuts[at] + below) / 2)


def indeterminate_band(probabilities: Floats, labels: Labels, threshold: float) -> tuple[float, float]:
    """The band [low, high) around the threshold that leaves most films answered at class-balanced accuracy >= 0.98.

    Each edge is moved in steps of equal numbers of films; of all pairs that reach the accuracy, the one with most
    coverage.
    """
    weights = class_weights(labels)
    right = (probabilities >= threshold) == (labels == 1)
    lows = np.quantile(probabilities[probabilities <= threshold], np.linspace(1, 0, 60))
    highs = np.quantile(probabilities[probabilities >= threshold], np.linspace(0, 1, 60))
    lows[0] = highs[0] = threshold
    best, coverage = (float(lows[-1]), float(highs[-1])), -1.0
    for low in lows:
        for high in highs:
            answered = (probabilities < low) | (probabilities >= high)
            weight = weights[answered]
            reached = weight.sum() > 0 and (weight * right[answered]).sum() / weight.sum() >= ANSWERED_ACCURACY
            if reached and weight.sum() > coverage:
                best, coverage = (float(low), float(high)), float(weight.sum())
    return best


def ood_limit(*chest_scores: Floats) -> float:
    """The lowest limit that refuses at most 1 % of each group of held-out chest films."""
    return float(max(np.quantile(scores, 0.99) for scores in chest_scores))
