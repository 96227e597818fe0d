"""Headers that keep the browser at home, and patients' data out of its caches."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
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
