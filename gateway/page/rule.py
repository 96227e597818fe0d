"""The rule by which a probability became a finding, with the numbers of the card of the model that judged the film."""

from __future__ import annotations

from cxr.schemas import Finding, OperatingPoint
from gateway.page.words import FINDINGS, percent


def rule(finding: Finding, point: OperatingPoint | None) -> str:
    """From where on the finding holds, and what it says; without ``point`` (its model cannot be asked) that alone."""
    means = FINDINGS[finding].sentence
    if point is None:
        return means
    low, high = percent(point.indeterminate_low), percent(point.indeterminate_high)
    if point.indeterminate_low == point.indeterminate_high:
        low = high = percent(point.threshold)
    where = {
        Finding.PNEUMONIA: f"From {high} on",
        Finding.INDETERMINATE: f"Between {low} and {high}",
        Finding.NO_PNEUMONIA: f"Below {low}",
    }
    return f"{where[finding]} {means[0].lower()}{means[1:]}"
