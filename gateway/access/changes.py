"""Keys and accounts that come and go, put on the record by the gateway that honours them.

The file may be written on another machine, where there is no ledger; so the commands do not record, the gateway does,
when it first sees a change. Several gateways record it once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from cxr.errors import LedgerUnavailable
from cxr.jobs import AuditLog
from gateway.access.accounts import Account
from gateway.access.register import Register

OPERATOR = "operator"


class Changes:
    """Remembers the register that was recorded last."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit, self._noted = audit, Register()

    def note(self, register: Register) -> None:
        """Record what is new in it; without a ledger later."""
        if register is self._noted:
            return
        try:
            for action, about in _changes(self._noted, register):
                self._audit.add_once(OPERATOR, action, within_s=None, about=about)
        except LedgerUnavailable:
            return
        self._noted = register


def _changes(old: Register, new: Register) -> Iterator[tuple[str, str]]:
    for key in set(new.keys) - set(old.keys):
        named = f"{key.prefix} {key.owner}/{key.name}"
        yield "key_created", f"{named} {_moment(key.created)}"
        if key.revoked:
            yield "key_revoked", f"{named} {_moment(key.revoked)}"
    there, gone = {_named(each) for each in new.accounts}, {_named(each) for each in old.accounts}
    for action, accounts in (("account_added", there - gone), ("account_removed", gone - there)):
        for about in accounts:
            yield action, about


def _named(account: Account) -> str:
    return f"{account.caller.actor} {_moment(account.created)}"


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
