"""Who asks, and what they may do.

``gateway.gatekeeper`` finds out who asks before anything else sees a request; the doors ask here. A route says what it
needs in its signature (``caller: Reader``), and looks at jobs through ``parts.seen_by(caller)``, where another
owner's job does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request

from cxr.errors import NotSignedIn, ScopeMissing
from cxr.jobs import ANYBODY


class Scope(StrEnum):
    """What a key or an account may do; ``admin`` sees every owner's jobs, the others only their owner's."""

    SUBMIT = "submit"
    READ = "read"
    ADMIN = "admin"


@dataclass(frozen=True)
class Quota:
    """How much a caller may ask for; None: as much as the settings allow everybody."""

    waiting_images: int | None = None
    requests_per_minute: int | None = None


@dataclass(frozen=True)
class Caller:
    """Who asks: the owner of jobs, what they may do, and the name of their key, or of their account where it is another
    than the owner's."""

    owner: str
    scopes: frozenset[Scope]
    name: str = ""
    quota: Quota = Quota()

    @property
    def actor(self) -> str:
        """How the audit record names the caller."""
        return f"{self.owner}/{self.name}" if self.name else self.owner

    @property
    def sees(self) -> str | None:
        """The owner whose jobs the caller sees; None means all."""
        return None if Scope.ADMIN in self.scopes else self.owner

    def must_have(self, scope: Scope) -> None:
        """Raise ``ScopeMissing`` unless the caller has this scope; ``admin`` includes the others."""
        if not self.scopes & {scope, Scope.ADMIN}:
            raise ScopeMissing(f"needs {scope}")


# Without keys nobody is told apart; the gateway then listens on loopback only.
EVERYBODY = Caller(ANYBODY, frozenset(Scope))


def caller_of(request: object) -> Caller:
    """Who makes this request of FastAPI, Starlette or Gradio. Raises ``NotSignedIn``."""
    caller = getattr(getattr(request, "state", None), "caller", None)
    if not isinstance(caller, Caller):
        raise NotSignedIn
    return caller


def needs(scope: Scope) -> Callable[[Request], Caller]:
    """A FastAPI dependency: the caller, who has this scope. Raises ``NotSignedIn``, ``ScopeMissing``."""

    def caller(request: Request) -> Caller:
        found = caller_of(request)
        found.must_have(scope)
        return found

    return caller


Submitter = Annotated[Caller, Depends(needs(Scope.SUBMIT))]
Reader = Annotated[Caller, Depends(needs(Scope.READ))]
