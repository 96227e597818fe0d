"""Every request gets a trace and is counted: by route template, never by address."""

from __future__ import annotations

import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cxr.telemetry.requests import request_done
from cxr.telemetry.traces import TRACEPARENT, SpanKind, continued, span, trace_id

TRACE_HEADER = "X-Trace-Id"
API = "/v1/"
PAGE = "page"  # whatever Gradio answers; its addresses hold file names


class Observed:
    """ASGI middleware around the whole application; outermost, so that the access log's lines carry the trace."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"].startswith(API):
            await self._traced(scope, receive, send)
        else:
            await self._counted(scope, receive, send)

    async def _traced(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A caller's ``traceparent`` is gone on with; the answer says the trace's id."""

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[TRACE_HEADER] = trace_id()
            await send(message)

        with continued(Headers(scope=scope).get(TRACEPARENT, "")), span("request", SpanKind.SERVER) as current:
            status = await self._counted(scope, receive, send_with_id)
            route = _route(scope, scope.get("app"))
            current.update_name(f"{scope['method']} {route}")
            current.set_attributes(
                {
                    "http.request.method": scope["method"],
                    "http.route": route,
                    "http.response.status_code": status,
                }
            )

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> int:
        started, status, ours = time.perf_counter(), 500, scope.get("app")

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            request_done(scope["method"], _route(scope, ours), status, time.perf_counter() - started)
        return status


def _route(scope: Scope, ours: object) -> str:
    """The template of the route that answered. The page is another application, mounted in ours."""
    if scope.get("app") is not ours:
        return PAGE
    return getattr(scope.get("route"), "path", None) or PAGE
