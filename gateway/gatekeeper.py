"""Finds out who makes each request, before anything else of the gateway sees it."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.auth import EVERYBODY


class Gatekeeper:
    """ASGI middleware around API and page; leaves the ``Caller`` in the request's state."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            scope.setdefault("state", {})["caller"] = EVERYBODY
        await self._app(scope, receive, send)
