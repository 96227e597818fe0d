"""The door to OpenTelemetry: one trace from the upload to the engine.

Every request and chunk has a trace id, so that log lines can be joined; spans are recorded and sent only after
``configure_tracing``. Until then ``span`` does nothing. The id travels as a W3C ``traceparent``.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

__all__ = ["SpanKind", "configure_tracing", "continued", "recorded_traceparent", "span", "trace_id", "traceparent"]

TRACEPARENT = "traceparent"
Attribute = str | int | float | bool

_w3c = TraceContextTextMapPropagator()
_tracer: trace.Tracer | None = None


def configure_tracing(process: str, endpoint: str, ratio: float = 1.0) -> None:
    """Send spans over OTLP/HTTP to ``endpoint`` (``http://tempo:4318``), in the background; an empty one means not.

    ``ratio`` of the traces that begin here are recorded; a caller's own decision is followed.
    """
    global _tracer
    if not endpoint:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(ratio)),
        resource=Resource.create({"service.name": f"pneumoserve-{process}"}),
        shutdown_on_exit=True,
    )
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    _tracer = provider.get_tracer("pneumoserve")


@contextmanager
def continued(traceparent: str = "") -> Iterator[None]:
    """Go on with the trace that ``traceparent`` names; without a readable one begin one, unless one is under way."""
    found = _w3c.extract({TRACEPARENT: traceparent}, context.Context())
    if not trace.get_current_span(found).get_span_context().is_valid:
        if trace_id():
            yield
            return
        found = context.Context() if _tracer else _nameless()
    token = context.attach(found)
    try:
        yield
    finally:
        context.detach(token)


@contextmanager
def span(name: str, kind: SpanKind = SpanKind.INTERNAL, /, **attributes: Attribute) -> Iterator[trace.Span]:
    """One step of the trace. Attributes are counts, codes, job ids and model versions; never names or patient data.

    An exception marks the span with its class alone: its message may quote what must not leave.
    """
    if _tracer is None:
        yield trace.INVALID_SPAN
        return
    named = {f"cxr.{key}": value for key, value in attributes.items()}
    with _tracer.start_as_current_span(
        name, kind=kind, attributes=named, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except BaseException as error:
            current.set_status(trace.StatusCode.ERROR, type(error).__name__)
            raise


def traceparent() -> str:
    """The current place in the current trace, for the next hop; empty outside of any trace."""
    carrier: dict[str, str] = {}
    _w3c.inject(carrier)
    return carrier.get(TRACEPARENT, "")


def recorded_traceparent() -> str:
    """The same for a hop that records whatever it is told of; empty where this trace is not recorded."""
    recorded = trace.get_current_span().get_span_context().trace_flags.sampled
    return traceparent() if recorded else ""


def trace_id() -> str:
    """32 hexadecimal digits; empty outside of any trace."""
    current = trace.get_current_span().get_span_context()
    return trace.format_trace_id(current.trace_id) if current.is_valid else ""


def _nameless() -> context.Context:
    """A trace id for the logs; marked as not sampled, so that no hop records it."""
    ids = SpanContext(secrets.randbits(128) or 1, secrets.randbits(64) or 1, False, TraceFlags(TraceFlags.DEFAULT))
    return trace.set_span_in_context(NonRecordingSpan(ids), context.Context())
