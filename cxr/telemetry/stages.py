"""One step of the work, timed for Prometheus and traced."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from cxr.telemetry.metrics import STEP_S, histogram
from cxr.telemetry.traces import Attribute, SpanKind, span

STAGE_SECONDS = histogram(
    "cxr_stage_duration_seconds",
    "Time of one step: receive, store, submit, enqueue (per upload or batch);"
    " claim, read, decode, infer, record (per chunk).",
    "stage",
    bounds=STEP_S,
)


@contextmanager
def stage(name: str, **attributes: Attribute) -> Iterator[None]:
    """Time a step, whether or not it succeeds; meant for once a chunk, not once an image."""
    started = time.perf_counter()
    try:
        with span(name, SpanKind.INTERNAL, **attributes):
            yield
    finally:
        STAGE_SECONDS.labels(name).observe(time.perf_counter() - started)
