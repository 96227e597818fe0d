"""API keys: ``prefix.secret``, where the prefix names the key and only the secret's SHA-256 is kept.

A fast hash is enough: the secret is 256 random bits, so there is nothing to guess it by.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_serializer

from gateway.auth import Caller, Quota, Scope

PREFIX, SECRET_BYTES = "cxr_", 32
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._@-]{0,63}$")]
NOBODYS = "0" * 64


class ApiKey(BaseModel):
    """One key as it is kept; nothing in it opens a door."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefix: str = Field(pattern=r"^cxr_[0-9a-f]{12}$", description="Names the key; may be shown.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the secret.")
    owner: Name = Field(description="Whose jobs it makes and sees.")
    name: Name = Field(description="What it is for, so that it can be told apart and revoked.")
    scopes: frozenset[Scope] = Field(min_length=1)
    waiting_images: int | None = Field(None, ge=1, description="Images its owner may have waiting; none: the setting.")
    requests_per_minute: int | None = Field(None, ge=1, description="None: the setting.")
    created: AwareDatetime
    expires: AwareDatetime | None = None
    revoked: AwareDatetime | None = None

    @field_serializer("scopes")
    def _in_order(self, scopes: frozenset[Scope]) -> list[Scope]:
        return [scope for scope in Scope if scope in scopes]

    @property
    def caller(self) -> Caller:
        """Who comes with this key."""
        return Caller(self.owner, self.scopes, self.name, Quota(self.waiting_images, self.requests_per_minute))

    def holds_at(self, moment: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked is None and (self.expires is None or moment < self.expires)

    def revoked_now(self) -> ApiKey:
        """The same key, of no use from now on; the first moment stays."""
        return self if self.revoked else self.model_copy(update={"revoked": _now()})


def new_key(
    owner: str,
    name: str,
    scopes: Iterable[Scope],
    *,
    waiting_images: int | None = None,
    requests_per_minute: int | None = None,
    days: int | None = None,
) -> tuple[ApiKey, str]:
    """Make a key: what is kept, and the text that its owner sees once. Raises pydantic's ``ValidationError``."""
    prefix, secret, created = PREFIX + secrets.token_hex(6), secrets.token_urlsafe(SECRET_BYTES), _now()
    key = ApiKey(
        prefix=prefix,
        sha256=_digest(secret),
        owner=owner,
        name=name,
        scopes=frozenset(scopes),
        waiting_images=waiting_images,
        requests_per_minute=requests_per_minute,
        created=created,
        expires=created + timedelta(days=days) if days else None,
    )
    return key, f"{prefix}.{secret}"


def opened_by(keys: Iterable[ApiKey], text: str) -> ApiKey | None:
    """The key that this text is, if it holds; an unknown prefix takes as long as a known one."""
    prefix, _, secret = text.partition(".")
    found = next((key for key in keys if key.prefix == prefix), None)
    same = hmac.compare_digest(_digest(secret), found.sha256 if found else NOBODYS)
    return found if found and same and found.holds_at(_now()) else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
