"""Accounts: passwords are kept as slow hashes, and changed by commands that never take them as an argument."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result

from gateway.access.accounts import knows, new_account
from gateway.access.register import read_register
from tests.guarded import BOTH, command


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.json"


def test_accounts_are_added_changed_and_removed(path: Path) -> None:
    def accounts(*words: str, typed: str = "") -> Result:
        return command("accounts", *words, typed=typed, CXR_ACCESS_FILE=str(path))

    assert accounts("add", "alice", typed="correct horse battery\n").exit_code == 0
    first = read_register(path)
    assert first.account("alice").password.startswith("$argon2id$v=19$m=65536,t=3,p=4$")  # type: ignore[union-attr]
    assert len(first.session_secret) >= 43
    assert accounts("add", "alice", typed="correct horse battery\n").exit_code == 2
    assert accounts("add", "bob", "--owner", "radiology", typed="another horse battery\n").exit_code == 0
    assert "bob  owner radiology  submit,read" in accounts("list").stdout
    assert accounts("password", "alice", typed="yet another horse\n").exit_code == 0
    assert read_register(path).account("alice") != first.account("alice")
    assert read_register(path).account("bob") is not None
    assert accounts("remove", "alice").exit_code == 0
    assert read_register(path).account("alice") is None
    assert accounts("sign-out-all").exit_code == 0
    assert read_register(path).session_secret != first.session_secret


@pytest.mark.parametrize("password", ["", "fourteen chars", "x" * 257])
def test_a_weak_password_is_refused(path: Path, password: str) -> None:
    done = command("accounts", "add", "alice", "--file", str(path), typed=password + "\n")
    assert (done.exit_code, path.exists()) == (2, False)
    assert "15 to 256 characters" in done.stderr


def test_a_password_is_the_same_from_every_keyboard() -> None:
    composed = new_account("alice", "alice", "caf\u00e9 caf\u00e9 caf\u00e9 caf\u00e9", BOTH)
    assert knows(composed, "cafe\u0301 cafe\u0301 cafe\u0301 cafe\u0301")
    assert not knows(composed, "cafe cafe cafe cafe")
    assert not knows(None, "nobody's password")
