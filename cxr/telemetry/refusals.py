"""Images that got no finding, counted by whoever refused them: the gateway before storing, the worker after reading."""

from __future__ import annotations

from collections.abc import Mapping

from cxr.telemetry.metrics import counter

IMAGES_REFUSED = counter("cxr_images_refused", "Images that were not judged, by code.", "code")


def images_refused(codes: Mapping[str, int]) -> None:
    """Count refused images by code."""
    for code, count in codes.items():
        IMAGES_REFUSED.labels(code).inc(count)
