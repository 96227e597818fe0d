"""A signed-in session: a cookie that the gateway signs, so that any gateway with the same access file knows it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import cookie_parser

from gateway.access.accounts import Account
from gateway.access.register import Register

# The prefix keeps the second from being set by another host or without TLS.
PLAIN, OVER_TLS = "cxr-session", "__Host-cxr-session"


@dataclass(frozen=True)
class Session:
    """Who is signed in, and the session's own id, by which it can be ended."""

    id: str
    account: Account


def begin(register: Register, account: Account) -> str:
    """The cookie of a new session; its id is new each time, so what a browser brought along before is of no use."""
    words = {"id": secrets.token_urlsafe(16), "name": account.name, "stamp": account.stamp}
    return _signer(register).dumps(words)


def session_of(register: Register, cookie: str, longest_s: int) -> Session | None:
    """The session of a cookie; None when it is not ours, too old, or its account or password is no longer the same."""
    if not register.session_secret:
        return None
    try:
        words: dict[str, Any] = _signer(register).loads(cookie, max_age=longest_s)
    except BadData:
        return None
    account = register.account(words["name"])
    if account is None or account.stamp != words["stamp"]:
        return None
    return Session(words["id"], account)


def cookie_name(secure: bool) -> str:
    """The name that the session's cookie has over TLS, and without."""
    return OVER_TLS if secure else PLAIN


def cookie_of(header: str, secure: bool) -> str | None:
    """The session's cookie in a ``Cookie`` header."""
    return cookie_parser(header).get(cookie_name(secure))


def _signer(register: Register) -> URLSafeTimedSerializer:
    sha256 = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    return URLSafeTimedSerializer(register.session_secret, salt="pneumoserve.session", signer_kwargs=sha256)
