"""Headers that keep the browser at home, and patients' data out of its caches."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Scope

# Nothing is fetched from anywhere else; Gradio's page builds its code and styles in place, hence the two 'unsafe'.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# The page's own scripts and styles, the same for everybody; whatever else is answered may be about a patient.
ASSETS = ("/assets/", "/static/", "/svelte/", "/theme.css", "/favicon.ico")
SENT = ("Authorization", "X-API-Key", "Content-Type", "Idempotency-Key", "Last-Event-ID", "traceparent")
READ = ("Location", "Retry-After", "Idempotent-Replayed", "X-Trace-Id", "Content-Disposition", "Link")
A_YEAR_S = 31_536_000


def add_headers(scope: Scope, headers: MutableHeaders) -> None:
    """Add them to an answer's headers; what the application set itself stays, but for caching and CORS."""
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
    if not scope["path"].startswith(ASSETS):
        headers["Cache-Control"] = "no-store"
    if scope.get("scheme") == "https":
        headers.setdefault("Strict-Transport-Security", f"max-age={A_YEAR_S}")
    for name in [name for name in headers if name.lower().startswith("access-control-")]:
        del headers[name]  # Gradio lets every site read; ours is CXR_ALLOWED_ORIGINS


def let_other_sites_in(app: FastAPI, origins: str) -> None:
    """Let pages of these origins, comma-separated, use the API with a key; a session's cookie is of no use to them."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=[origin.strip() for origin in origins.split(",")],
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=SENT,
        expose_headers=READ,
        allow_credentials=False,
    )
