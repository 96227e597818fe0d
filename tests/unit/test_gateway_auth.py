"""Who may do what."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cxr.errors import NotSignedIn, ScopeMissing
from gateway.auth import EVERYBODY, Caller, Scope, caller_of, needs

READER = Caller("alice", frozenset({Scope.READ}), "k1")


def asked_by(caller: Caller) -> SimpleNamespace:
    return SimpleNamespace(state=SimpleNamespace(caller=caller))


def test_a_scope_that_is_missing_is_refused() -> None:
    READER.must_have(Scope.READ)
    with pytest.raises(ScopeMissing):
        needs(Scope.SUBMIT)(asked_by(READER))  # type: ignore[arg-type]


def test_the_admin_may_all_and_sees_all() -> None:
    admin = Caller("root", frozenset({Scope.ADMIN}))
    for scope in Scope:
        admin.must_have(scope)
    assert (admin.sees, READER.sees, EVERYBODY.sees) == (None, "alice", None)


def test_a_request_that_nobody_looked_at_has_no_caller() -> None:
    with pytest.raises(NotSignedIn):
        caller_of(SimpleNamespace(state=SimpleNamespace()))


def test_the_record_names_owner_and_key() -> None:
    assert (READER.actor, EVERYBODY.actor) == ("alice/k1", "anybody")
