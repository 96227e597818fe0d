"""A gateway that asks who comes, for tests: accounts and keys of people that are made up."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from click.testing import Result
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from cxr.settings import Settings
from gateway.__main__ import cli
from gateway.access.accounts import Account, new_account
from gateway.access.keys import ApiKey, new_key
from gateway.access.register import changing
from gateway.auth import Scope
from gateway.http_app import http_app
from gateway.parts import Parts

BOTH = (Scope.SUBMIT, Scope.READ)
HERE = "http://127.0.0.1:7860"


def password_of(name: str) -> str:
    return f"the horse of {name} is correct"


@cache
def account_of(name: str, owner: str = "") -> Account:
    """An account whose hash costs next to nothing, unlike real ones."""
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(password_of(name))
    return new_account(name, owner or name, password_of(name), BOTH).model_copy(update={"password": cheap})


def key_of(owner: str, scopes: Iterable[Scope] = BOTH, name: str = "key", **limits: int) -> tuple[ApiKey, str]:
    return new_key(owner, name, scopes, **limits)  # type: ignore[arg-type]


def access_file(path: Path, accounts: Iterable[Account] = (), keys: Iterable[ApiKey] = ()) -> Path:
    """Write the file, or add to it."""
    with changing(path) as box:
        register = box[0].model_copy(update={"keys": (*box[0].keys, *keys)})
        for account in accounts:
            register = register.with_account(account)
        box.append(register)
    return path


def command(*words: str, typed: str = "", **environment: str) -> Result:
    """``python -m gateway`` with these words, in this process."""
    return CliRunner().invoke(cli, words, input=typed, env=environment)


def visitor(settings: Settings, base_url: str = HERE) -> TestClient:
    """A browser of its own."""
    app = http_app(Parts.of(settings))
    return TestClient(app, base_url, raise_server_exceptions=False, follow_redirects=False)


def signs_in(client: TestClient, name: str = "alice", password: str = "", **fields: str) -> Any:
    form = {"name": name, "password": password or password_of(name), **fields}
    return client.post("/sign-in", data=form, headers={"Origin": str(client.base_url)})
