"""What the gateway counts: requests (rate, errors, duration), uploads, refusals."""

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
JOBS_ACCEPTED = counter("cxr_jobs_accepted", "Jobs accepted, by queue.", "queue")
UPLOADED_IMAGES = counter("cxr_uploaded_images", "Images of accepted jobs, by queue.", "queue")
UPLOADED_BYTES = counter("cxr_uploaded_bytes", "Bytes of image files in accepted jobs, by queue.", "queue")
REQUESTS_REFUSED = counter("cxr_requests_refused", "Requests answered with an error, by its code.", "code")


def request_done(method: str, route: str, status: int, took_s: float) -> None:
    """Count one request; ``route`` is a template such as ``/v1/jobs/{job_id}``, never an address."""
    method = method if method in METHODS else "OTHER"
    REQUESTS.labels(method, route, f"{status // 100}xx").inc()
    REQUEST_SECONDS.labels(method, route).observe(took_s)


def job_accepted(queue: str, images: int, size_bytes: int) -> None:
    """Count one accepted job."""
    JOBS_ACCEPTED.labels(queue).inc()
    UPLOADED_IMAGES.labels(queue).inc(images)
    UPLOADED_BYTES.labels(queue).inc(size_bytes)
