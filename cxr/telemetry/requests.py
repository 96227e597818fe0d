"""What the gateway counts of HTTP: rate, errors, duration, refusals."""

from __future__ import annotations

from cxr.telemetry.metrics import STEP_S, counter, histogram

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = counter(
    "cxr_http_requests", "HTTP requests by method, route template and status class.", "method", "route", "status"
)
REQUEST_SECONDS = histogram(
    "cxr_http_request_duration_seconds",
    "Time from an HTTP request's arrival to the end of its answer, by method and route template.",
    "method",
    "route",
    bounds=(*STEP_S, 60.0, 300.0),
)
REQUESTS_REFUSED = counter("cxr_requests_refused", "Requests answered with an error, by its code.", "code")


def request_done(method: str, route: str, status: int, took_s: float) -> None:
    """Count one request; ``route`` is a template such as ``/v1/jobs/{job_id}``, never an address."""
    method = method if method in METHODS else "OTHER"
    REQUESTS.labels(method, route, f"{status // 100}xx").inc()
    REQUEST_SECONDS.labels(method, route).observe(took_s)
