"""Finds out who makes each request, before anything else of the gateway sees it."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from cxr.errors import CxrError, NotSignedIn
from cxr.telemetry.requests import REQUESTS_REFUSED
from gateway.access.register import AccessFile
from gateway.auth import EVERYBODY, Caller
from gateway.problems import problem_response

OPEN = frozenset({"/healthz", "/readyz"})  # who watches the process has no key; these say nothing of anybody
POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1


class Gatekeeper:
    """ASGI middleware around API and page; leaves the ``Caller`` in the request's state.

    Without an access file everybody is ``EVERYBODY``; with one, who brings neither key nor session stays outside.
    """

    def __init__(self, app: ASGIApp, access: AccessFile | None) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            caller = self._caller(Headers(scope=scope))
            if caller is None and scope["path"] not in OPEN:
                raise NotSignedIn
        except CxrError as refusal:
            await _refuse(refusal, scope, receive, send)
            return
        if caller is not None:
            scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)

    def _caller(self, headers: Headers) -> Caller | None:
        """Who asks; None is nobody that we know. Raises ``InvalidKey``."""
        if self._access is None:
            return EVERYBODY
        key = _key(headers)
        return self._access.now().caller_with(key) if key is not None else None


def _key(headers: Headers) -> str | None:
    """The key as RFC 6750 has it, or as many clients have it."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key")


async def _refuse(refusal: CxrError, scope: Scope, receive: Receive, send: Send) -> None:
    REQUESTS_REFUSED.labels(refusal.code).inc()
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
    else:
        await problem_response(refusal)(scope, receive, send)
