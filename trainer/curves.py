"""Pictures of a test's figures, drawn from labels and probabilities alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from cxr.schemas import OperatingPoint
from trainer.metrics import Floats, Labels, auc, average_precision, expected_calibration_error

BINS = 10


def draw_curves(labels: Labels, probabilities: Floats, point: OperatingPoint, path: Path) -> None:
    """ROC, precision-recall, reliability, confusion, and accuracy against coverage, side by side."""
    parts: list[Callable[[Axes, Labels, Floats, OperatingPoint], None]] = [
        roc,
        precision_recall,
        reliability,
        confusion,
        coverage,
    ]
    figure, axes = plt.subplots(1, len(parts), figsize=(4 * len(parts), 3.8))
    for draw, axis in zip(parts, axes, strict=True):
        draw(axis, labels, probabilities, point)
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)


def roc(axis: Axes, labels: Labels, probabilities: Floats, point: OperatingPoint) -> None:
    order = np.argsort(-probabilities, kind="stable")
    hits, alarms = labels[order].cumsum() / labels.sum(), (1 - labels[order]).cumsum() / (1 - labels).sum()
    axis.plot([0, *alarms], [0, *hits])
    called = probabilities >= point.threshold
    axis.plot(called[labels == 0].mean(), called[labels == 1].mean(), "o", color="C3", label="operating point")
    axis.set(title=f"ROC, AUC {auc(labels, probabilities):.3f}", xlabel="1 - specificity", ylabel="sensitivity")
    axis.legend(loc="lower right")


def precision_recall(axis: Axes, labels: Labels, probabilities: Floats, point: OperatingPoint) -> None:
    hits = labels[np.argsort(-probabilities, kind="stable")].cumsum()
    axis.plot(hits / labels.sum(), hits / np.arange(1, len(hits) + 1))
    called = probabilities >= point.threshold
    if called.any():
        axis.plot(called[labels == 1].mean(), labels[called].mean(), "o", color="C3")
    axis.set(
        title=f"precision-recall, AP {average_precision(labels, probabilities):.3f}",
        xlabel="recall",
        ylabel="precision",
    )


def reliability(axis: Axes, labels: Labels, probabilities: Floats, _: OperatingPoint) -> None:
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    there = np.flatnonzero(np.bincount(bins, minlength=BINS))
    films = np.array([(bins == each).sum() for each in there])
    means = [probabilities[bins == each].mean() for each in there]
    axis.plot([0, 1], [0, 1], color="0.7")
    axis.scatter(means, [labels[bins == each].mean() for each in there], s=10 + films)
    axis.set(
        title=f"reliability, ECE {expected_calibration_error(labels, probabilities):.3f}",
        xlabel="mean probability (dot: films)",
        ylabel="share with pneumonia",
    )


def confusion(axis: Axes, labels: Labels, probabilities: Floats, point: OperatingPoint) -> None:
    called = (probabilities >= point.threshold).astype(int)
    counts = np.array([[((labels == truth) & (called == call)).sum() for call in (0, 1)] for truth in (0, 1)])
    axis.imshow(counts, cmap="Blues")
    for truth in (0, 1):
        for call in (0, 1):
            colour = "white" if counts[truth, call] > counts.max() / 2 else "black"
            axis.text(call, truth, str(counts[truth, call]), ha="center", va="center", color=colour)
    names = ["normal", "pneumonia"]
    axis.set(
        title="confusion",
        xlabel="called",
        ylabel="truth",
        xticks=[0, 1],
        yticks=[0, 1],
        xticklabels=names,
        yticklabels=names,
    )


def coverage(axis: Axes, labels: Labels, probabilities: Floats, point: OperatingPoint) -> None:
    """Films are left to a person in order of nearness to the threshold, on both sides alike; the dot is the chosen
    band, whose sides differ, so it may lie off the curve.
    """
    distance = np.where(
        probabilities >= point.threshold,
        (probabilities - point.threshold) / (1 - point.threshold),
        (point.threshold - probabilities) / point.threshold,
    )
    right = (probabilities >= point.threshold) == (labels == 1)
    order = np.argsort(-distance, kind="stable")
    share = np.arange(1, len(right) + 1) / len(right)
    accuracy = right[order].cumsum() / np.arange(1, len(right) + 1)
    shown = share > 0.2
    axis.plot(share[shown], accuracy[shown], label="bands even about the threshold")
    answered = (probabilities < point.indeterminate_low) | (probabilities >= point.indeterminate_high)
    if answered.any():
        axis.plot(answered.mean(), right[answered].mean(), "o", color="C3", label="the served band")
    axis.set(title="accuracy on answered films", xlabel="coverage", ylabel="accuracy")
    axis.legend(loc="lower left")
