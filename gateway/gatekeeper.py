"""Finds out who makes each request, before anything else of the gateway sees it."""

from __future__ import annotations

from urllib.parse import quote

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cxr.errors import CxrError, NotSignedIn
from cxr.telemetry.requests import REQUESTS_REFUSED
from gateway.access.entry import ALIVE, SIGN_IN, Entry, OpenEntry
from gateway.access.visit import Visit
from gateway.auth import Caller
from gateway.problems import problem_response

POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1
# In threads apart from those of the requests themselves: where Redis hangs, each waits for seconds.
ADMITTED_AT_ONCE = 40
MAY_NOT, NOT_THEIRS = 403, 404  # a scope that is missing; a job that is another's, or not there at all


class Gatekeeper:
    """ASGI middleware around API and page; leaves the ``Caller`` in the request's state."""

    def __init__(self, app: ASGIApp, entry: Entry) -> None:
        self._app, self._entry = app, entry
        self._threads = CapacityLimiter(ADMITTED_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        visit = Visit.of(scope)
        try:
            caller = await self._admit(visit)
        except CxrError as refusal:
            await _refuse(refusal, visit, scope, receive, send)
            return
        if caller is None:
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        status = await self._answer(scope, receive, send)
        route = _route(scope)
        if status == MAY_NOT or (status == NOT_THEIRS and "{job_id}" in route):
            await run_sync(self._entry.refused, caller, route, status, limiter=self._threads)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> int:
        """Let the application answer; the status of its answer, 0 where there is none."""
        status = 0

        async def send_and_note(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        await self._app(scope, receive, send_and_note)
        return status

    async def _admit(self, visit: Visit) -> Caller | None:
        if isinstance(self._entry, OpenEntry):  # it asks nobody, so it need not leave the event loop
            return self._entry.admit(visit)
        if visit.path == ALIVE:
            return None
        return await run_sync(self._entry.admit, visit, limiter=self._threads)


def _route(scope: Scope) -> str:
    """The template of the route that answered, never an address."""
    return f"{scope.get('method', '')} {getattr(scope.get('route'), 'path', None) or 'page'}"


async def _refuse(refusal: CxrError, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
    REQUESTS_REFUSED.labels(refusal.code).inc()
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
    elif isinstance(refusal, NotSignedIn) and visit.is_of_a_browser:
        query = scope["query_string"].decode("latin-1")
        wanted = quote(visit.path + (f"?{query}" if query else ""), safe="")
        await RedirectResponse(f"{scope.get('root_path', '')}{SIGN_IN}?next={wanted}", 303)(scope, receive, send)
    else:
        await problem_response(refusal)(scope, receive, send)
