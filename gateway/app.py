"""The gateway's one application: API, probes and page."""

from __future__ import annotations

from fastapi import FastAPI

from cxr.settings import Settings
from gateway.http_app import http_app
from gateway.parts import Parts
from gateway.ui import mount_page


def create_app(settings: Settings) -> FastAPI:
    """Build the application; it connects to Redis and Triton only when a request needs them."""
    parts = Parts.of(settings)
    app = http_app(parts)
    mount_page(app, parts)
    return app
