"""Who comes in: everybody where no keys are asked for, else who shows a key or is signed in."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

from cxr.errors import AccessRefused, InvalidKey, LedgerUnavailable, NotSignedIn, RateExceeded
from cxr.jobs import AuditLog, EndedSessions, Rate, Rates
from cxr.settings import Settings
from gateway.access.changes import Changes
from gateway.access.cross_site import refuse_cross_site, refuse_foreign_name
from gateway.access.register import AccessFile, Register
from gateway.access.sessions import Session, cookie_of, session_of
from gateway.access.visit import Visit
from gateway.auth import EVERYBODY, Caller

SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
ALIVE = "/healthz"  # whoever asks hears the same at once, so nobody asks who it is
OPEN = frozenset({ALIVE, "/readyz", SIGN_IN, SIGN_OUT})  # these say nothing of anybody
REFUSED_PER_MINUTE = 60  # refusals one address may hear; then it hears 429 instead, unless its key or session is valid
NOTED_AGAIN_S = 60  # the same refusal of the same address is recorded once in this time


class Entry(Protocol):
    """What the gatekeeper asks about every request."""

    def admit(self, visit: Visit) -> Caller | None:
        """Who asks; None is somebody unknown at a door that is open to all.

        Raises:
            NotSignedIn, InvalidKey, CrossSite: the request goes no further.
            RateExceeded: it came too soon.
        """

    def refused(self, caller: Caller, route: str, status: int) -> None:
        """Put on the record that somebody known was refused what they asked for."""


class OpenEntry:
    """No access file: everybody on this machine, but no page of another site through their browser."""

    def admit(self, visit: Visit) -> Caller:
        refuse_foreign_name(visit.headers)
        refuse_cross_site(visit, must_say=False)
        return EVERYBODY

    def refused(self, caller: Caller, route: str, status: int) -> None:
        """Everybody may do everything here."""


class GuardedEntry:
    """With an access file: a key, or the cookie of a session, and not too often."""

    def __init__(
        self, access: AccessFile, ended: EndedSessions, rates: Rates, audit: AuditLog, settings: Settings
    ) -> None:
        self.access, self.ended, self.rates, self.audit, self.settings = access, ended, rates, audit, settings
        self._changes = Changes(audit)

    def admit(self, visit: Visit) -> Caller | None:
        register = self.access.now()
        self._changes.note(register)
        try:
            caller = self._known(visit, register)
            if caller is None and visit.path not in OPEN:
                raise NotSignedIn
        except AccessRefused as refusal:
            self._refused(refusal, visit)
            raise
        if caller is not None:
            self._count(caller, visit)
        return caller

    def refused(self, caller: Caller, route: str, status: int) -> None:
        with suppress(LedgerUnavailable):
            self.audit.add_once(caller.actor, "refused", within_s=NOTED_AGAIN_S, about=f"{status} {route}")

    def session(self, visit: Visit) -> Session | None:
        """The session whose cookie the request brings, unless it was ended."""
        cookie = cookie_of(visit.headers.get("cookie", ""), visit.secure)
        session = session_of(self.access.now(), cookie, self.settings.session_s) if cookie else None
        return session if session and not self._has_ended(session) else None

    def _known(self, visit: Visit, register: Register) -> Caller | None:
        key = _key_of(visit)
        if key is not None:
            return register.caller_with(key)
        session = self.session(visit)
        if session is None:
            return None
        refuse_cross_site(visit, must_say=True)
        return session.account.caller

    def _count(self, caller: Caller, visit: Visit) -> None:
        most = caller.quota.requests_per_minute or self.settings.max_requests_per_minute
        of_address = Rate(f"address:{visit.address}", self.settings.max_address_requests_per_minute)
        with suppress(LedgerUnavailable):  # whatever then needs the ledger says so itself
            self.rates.count([Rate(f"caller:{caller.actor}", most), of_address])

    def _has_ended(self, session: Session) -> bool:
        try:
            return self.ended.has_ended(session.id)
        except LedgerUnavailable:
            return False  # without the ledger nobody's jobs are shown to anybody; the page says so itself

    def _refused(self, refusal: AccessRefused, visit: Visit) -> None:
        """Put a refusal on the record, and refuse an address that hears many; without a ledger it is refused alone."""
        try:
            self.rates.count([Rate(f"refused:{visit.address}", REFUSED_PER_MINUTE)])
            if not isinstance(refusal, NotSignedIn) or isinstance(refusal, InvalidKey):
                self.audit.add_once("unknown", refusal.code, within_s=NOTED_AGAIN_S, about=f"from {visit.address}")
        except LedgerUnavailable:
            return
        except RateExceeded as too_many:
            raise RateExceeded("refused too often", too_many.retry_after_s) from refusal


def _key_of(visit: Visit) -> str | None:
    """The key as RFC 6750 has it, or as many clients have it."""
    scheme, _, token = visit.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else visit.headers.get("x-api-key")
