"""What every request passes: an access log without names, and headers that keep the browser at home."""

from __future__ import annotations

import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cxr.telemetry import logger
from gateway.http_headers import add_headers

log = logger("gateway.access")

# Probes and the page's own traffic would bury the requests; its addresses also hold file names.
UNLOGGED = ("/healthz", "/readyz")


class HttpEdge:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                add_headers(scope, MutableHeaders(scope=message))
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            path = scope["path"]
            if path not in UNLOGGED and (path.startswith("/v1/") or status >= 500):
                shown = path if path.startswith("/v1/") else "page"
                took_ms = round((time.monotonic() - started) * 1000, 1)
                log.info("request", method=scope["method"], path=shown, status=status, took_ms=took_ms)
