"""Signing in and out on the page."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from urllib.parse import parse_qs, quote

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from cxr.errors import (
    CxrError,
    LedgerUnavailable,
    RateExceeded,
    RequestRefused,
    RequestTooLarge,
    TooBusy,
    WrongLogin,
)
from cxr.jobs import Rate
from gateway.access.accounts import Account, knows
from gateway.access.cross_site import refuse_cross_site
from gateway.access.entry import SIGN_IN, SIGN_OUT, GuardedEntry
from gateway.access.sessions import begin, cookie_name
from gateway.access.sign_in_page import sign_in_page
from gateway.access.visit import Visit
from gateway.problems import status_of

FORM_BYTES, FORM_FIELDS = 8192, 8
HASHES_AT_ONCE = 2  # each takes 64 MiB and a tenth of a second of four cores
QUARTER_HOUR_S = 900
# Guesses in a quarter of an hour: at one account from one address, at one account, from one address.
OF_BOTH, OF_ACCOUNT, OF_ADDRESS = 10, 100, 50
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


def sign_in_routes(entry: GuardedEntry) -> APIRouter:
    """``/sign-in`` and ``/sign-out``, for people alone: they are not part of the API."""
    routes = APIRouter(include_in_schema=False)
    hashing = CapacityLimiter(HASHES_AT_ONCE)

    def page(wanted: str, error: CxrError | None = None, name: str = "") -> Response:
        fault = _sentence(error) if error else ""
        has_accounts = bool(entry.access.now().accounts)
        text = sign_in_page(wanted=wanted, fault=fault, name=name, accounts=has_accounts)
        headers = {"Content-Security-Policy": POLICY}
        if isinstance(error, TooBusy):
            headers["Retry-After"] = str(error.retry_after_s)
        return HTMLResponse(text, status_of(type(error)) if error else HTTPStatus.OK, headers)

    @routes.get(SIGN_IN)
    async def ask(next: str = "") -> Response:
        return page(_own_address(next))

    @routes.post(SIGN_IN)
    async def sign_in(request: Request) -> Response:
        visit = Visit.of(request.scope)
        refuse_cross_site(visit, must_say=False)
        form = await _form(request)
        name, wanted = form.get("name", "").strip().lower(), _own_address(form.get("next", ""))
        try:
            account = await run_sync(_account, entry, visit, name, form.get("password", ""), limiter=hashing)
        except CxrError as refusal:
            return page(wanted, refusal, name)
        answer = RedirectResponse(
            request.scope.get("root_path", "") + quote(wanted, safe="/?=&%"), HTTPStatus.SEE_OTHER
        )
        _set_cookie(answer, begin(entry.access.now(), account), entry.settings.session_s, visit)
        return answer

    @routes.post(SIGN_OUT)
    def sign_out(request: Request) -> Response:
        visit = Visit.of(request.scope)
        refuse_cross_site(visit, must_say=False)
        session = entry.session(visit)
        if session:
            with suppress(LedgerUnavailable):  # then the browser alone forgets it
                entry.ended.end(session.id, entry.settings.session_s)
                entry.audit.add(session.account.caller.actor, "signed_out", about=f"from {visit.address}")
        answer = RedirectResponse(request.scope.get("root_path", "") + SIGN_IN, HTTPStatus.SEE_OTHER)
        _set_cookie(answer, "", 0, visit)
        return answer

    return routes


def _account(entry: GuardedEntry, visit: Visit, name: str, password: str) -> Account:
    """Who this is, on the record. Raises ``RateExceeded``, ``WrongLogin``; without the ledger ``LedgerUnavailable``."""
    guesses = [(f"{name}@{visit.address}", OF_BOTH), (name, OF_ACCOUNT), (f"@{visit.address}", OF_ADDRESS)]
    try:
        entry.rates.count([Rate(f"sign-in:{who}", most, QUARTER_HOUR_S) for who, most in guesses])
    except RateExceeded as too_many:
        raise RateExceeded("too many attempts to sign in", too_many.retry_after_s) from too_many
    account = entry.access.now().account(name)
    if not knows(account, password):
        # A name that is no account's may be a password in the wrong field: it is not written down.
        entry.audit.add(account.name if account else "unknown", WrongLogin.code, about=f"from {visit.address}")
        raise WrongLogin
    assert account is not None
    entry.audit.add(account.caller.actor, "signed_in", about=f"from {visit.address}")
    return account


async def _form(request: Request) -> dict[str, str]:
    """The few fields of the form; nobody is known yet, so little is read.

    Raises ``RequestTooLarge``, ``RequestRefused`` (too many fields).
    """
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_BYTES:
            raise RequestTooLarge(f"the form has at most {FORM_BYTES} bytes")
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FORM_FIELDS)
    except ValueError as error:
        raise RequestRefused(f"the form has at most {FORM_FIELDS} fields") from error
    return {field: values[0] for field, values in fields.items()}


def _own_address(wanted: str) -> str:
    """A path of this gateway; whatever else is asked for leads to the page."""
    is_own = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if is_own and not wanted.startswith((SIGN_IN, SIGN_OUT)) else "/"


def _sentence(error: CxrError) -> str:
    if isinstance(error, RateExceeded):
        return f"Too many attempts. Try again in {_minutes(error.retry_after_s)}."
    return error.sentence


def _minutes(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return "a minute" if minutes == 1 else f"{minutes} minutes"


def _set_cookie(answer: Response, value: str, longest_s: int, visit: Visit) -> None:
    answer.set_cookie(
        cookie_name(visit.secure), value, longest_s, path="/", secure=visit.secure, httponly=True, samesite="lax"
    )
