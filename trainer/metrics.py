"""Figures of a binary test, written out: labels [N] of 0 and 1, probabilities [N] in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

CALIBRATION_BINS = 15  # Guo et al. 2017, "On calibration of modern neural networks"


def auc(labels: Labels, scores: Floats) -> float:
    """Area under the ROC curve: how often a pneumonia scores above a normal (Mann-Whitney), ties counted half."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(scores)[labels == 1].sum()
    return float((ranks - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(labels: Labels, scores: Floats) -> float:
    """Mean precision over the pneumonias, each at its own score as threshold."""
    order = np.argsort(-scores, kind="stable")
    hits = labels[order]
    precision = hits.cumsum() / np.arange(1, len(hits) + 1)
    return float(precision[hits == 1].mean()) if hits.any() else float("nan")


def brier(labels: Labels, probabilities: Floats) -> float:
    """Mean squared difference between probability and truth (Brier 1950)."""
    return float(np.mean((probabilities - labels) ** 2))


def expected_calibration_error(labels: Labels, probabilities: Floats) -> float:
    """Mean distance of the pneumonia rate from the mean probability over 15 equal-width bins, weighted by their
    films.
    """
    bins = np.minimum((probabilities * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, probabilities - labels, CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def decisions(labels: Labels, called: NDArray[np.bool_]) -> dict[str, float]:
    """Accuracy, sensitivity (recall), specificity, precision and F1 of calls of pneumonia."""
    hits = float((called & (labels == 1)).sum())
    misses, alarms = float((~called & (labels == 1)).sum()), float((called & (labels == 0)).sum())
    passes = float((~called & (labels == 0)).sum())
    return {
        "accuracy": _share(hits + passes, misses + alarms),
        "sensitivity": _share(hits, misses),
        "specificity": _share(passes, alarms),
        "precision": _share(hits, alarms),
        "f1": _share(2 * hits, misses + alarms),
    }


def _share(part: float, rest: float) -> float:
    return part / (part + rest) if part + rest else float("nan")


Figures = Callable[[Labels, Floats], dict[str, float]]


def figures_at(threshold: float, low: float, high: float) -> Figures:
    """All figures at one operating point; films inside ``[low, high)`` count as not answered."""

    def figures(labels: Labels, probabilities: Floats) -> dict[str, float]:
        answered = (probabilities < low) | (probabilities >= high)
        right = (probabilities >= threshold) == (labels == 1)
        return {
            "auc": auc(labels, probabilities),
            "average_precision": average_precision(labels, probabilities),
            **decisions(labels, probabilities >= threshold),
            "brier": brier(labels, probabilities),
            "expected_calibration_error": expected_calibration_error(labels, probabilities),
            "coverage": float(answered.mean()),
            "answered_accuracy": float(right[answered].mean()) if answered.any() else float("nan"),
        }

    return figures


Counted = Callable[[Labels, Floats], dict[str, NDArray[np.bool_]]]


def counted_at(threshold: float, low: float, high: float) -> Counted:
    """For every figure that is a rate, which films it is a rate of, at the same operating point as ``figures_at``."""

    def counted(labels: Labels, probabilities: Floats) -> dict[str, NDArray[np.bool_]]:
        called, everyone = probabilities >= threshold, np.ones(len(labels), np.bool_)
        return {
            "accuracy": everyone,
            "sensitivity": labels == 1,
            "specificity": labels == 0,
            "precision": called,
            "f1": called | (labels == 1),
            "coverage": everyone,
            "answered_accuracy": (probabilities < low) | (probabilities >= high),
        }

    return counted
