"""A trace in which everybody took part.

Triton 2.51, the embedded one, now and then does not send its spans of a request that it was told to trace
(docs/operations.md), so a test that needs Triton's part asks for another trace when one lacks it.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress

from tests.files import grey_ramp, png
from tests.otlp_sink import OtlpSink
from tests.stack import wait_until

GATEWAY, WORKER, TRITON = "pneumoserve-gateway", "pneumoserve-worker", "pneumoserve-triton"
PARENT_ID = "ab" * 8
ATTEMPTS = 8
# Triton and the OpenTelemetry SDK send what they have once a second.
PATIENCE_S = 10


def whole_trace(sink: OtlpSink, judge: Callable[[str, bytes], object]) -> str:
    """The id of a trace with spans of gateway, worker and Triton; ``judge`` sends a film under a ``traceparent``."""
    for film in itertools.islice(UNKNOWN_FILMS, ATTEMPTS):
        trace_id = secrets.token_hex(16)
        judge(f"00-{trace_id}-{PARENT_ID}-01", film)
        with suppress(AssertionError):
            wait_until(lambda trace_id=trace_id: _services(sink, trace_id) == {GATEWAY, WORKER, TRITON}, PATIENCE_S, "")
            return trace_id
    raise AssertionError(f"none of {ATTEMPTS} traces is whole; the last has spans of {_services(sink, trace_id)}")


def _services(sink: OtlpSink, trace_id: str) -> set[str]:
    return {span.service for span in sink.of(trace_id)}


def _unknown_films() -> Iterator[bytes]:
    """Of a film that is known already Triton hears nothing."""
    for width in itertools.count(330):
        yield png(grey_ramp(width, 300))


UNKNOWN_FILMS = _unknown_films()
