"""Accounts of people: a name, and the argon2id hash of a password."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_serializer

from cxr.errors import SettingsRefused
from gateway.access.keys import Name
from gateway.auth import Caller, Scope

# RFC 9106's second choice: 64 MiB, 3 passes, 4 lanes. NIST SP 800-63B-4, 3.1.1.2: a password that is all there is has
# 15 characters or more, and no rules of composition.
HASHER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
LEAST_CHARACTERS, MOST_CHARACTERS = 15, 256


class Account(BaseModel):
    """One person who signs in on the page."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    owner: Name = Field(description="Whose jobs the account makes and sees: its own name, or a department's.")
    password: str = Field(pattern=r"^\$argon2id\$", description="argon2id hash, with its salt and costs.")
    scopes: frozenset[Scope] = Field(min_length=1)
    created: AwareDatetime

    @field_serializer("scopes")
    def _in_order(self, scopes: frozenset[Scope]) -> list[Scope]:
        return [scope for scope in Scope if scope in scopes]

    @property
    def caller(self) -> Caller:
        """Who is signed in."""
        return Caller(self.owner, self.scopes, "" if self.name == self.owner else self.name)

    @property
    def stamp(self) -> str:
        """Changes with the password, so that a session ends with the password it was begun with."""
        return hashlib.sha256(self.password.encode()).hexdigest()[:16]


def new_account(name: str, owner: str, password: str, scopes: Iterable[Scope]) -> Account:
    """Make an account. Raises ``SettingsRefused`` (the password) and pydantic's ``ValidationError``."""
    now = datetime.now(UTC).replace(microsecond=0)
    return Account(name=name, owner=owner, password=hashed(password), scopes=frozenset(scopes), created=now)


def hashed(password: str) -> str:
    """Raises ``SettingsRefused`` when the password is too short or too long."""
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise SettingsRefused(f"a password has {LEAST_CHARACTERS} to {MOST_CHARACTERS} characters")
    return HASHER.hash(_normal(password))


def knows(account: Account | None, password: str) -> bool:
    """Whether this is the account's password; takes as long for no account as for one."""
    nobodys = _nobodys()
    kept = account.password if account else nobodys
    try:
        same = HASHER.verify(kept, _normal(password[: MOST_CHARACTERS + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return same and account is not None


def _normal(password: str) -> str:
    """The same bytes from every keyboard (NIST SP 800-63B-4, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys() -> str:
    return HASHER.hash("nobody's password")
