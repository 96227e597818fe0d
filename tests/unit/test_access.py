"""Keys: kept as hashes, revoked at once, asked for at every door but the probes."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cxr.errors import InvalidKey, SettingsRefused
from cxr.jobs import ledger
from cxr.settings import Settings
from gateway.access.exposure import is_loopback, refuse_half_a_certificate, refuse_open_doors
from gateway.access.keys import ApiKey, new_key
from gateway.access.register import AccessFile, Register, changing, read_register
from gateway.auth import Scope
from gateway.http_app import http_app
from gateway.parts import Parts
from tests.guarded import command

BOTH = [Scope.SUBMIT, Scope.READ]
JOB = "R-dCCR3AzempG5VaZqt-A0"  # whether it is there is asked of the ledger, which is away


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access" / "access.json"


def keep(path: Path, *keys: ApiKey) -> None:
    with changing(path) as box:
        box.append(Register(keys=keys))


# -- the key and its file


def test_a_key_is_256_random_bits_of_which_the_file_has_the_hash(path: Path) -> None:
    made, text = new_key("alice", "laptop", BOTH)
    prefix, _, secret = text.partition(".")
    assert len(secret) >= 43  # 32 bytes in base64
    keep(path, made)
    kept = path.read_text()
    assert (prefix in kept, secret in kept) == (True, False)
    assert read_register(path).caller_with(text).actor == "alice/laptop"


@pytest.mark.parametrize("change", ["prefix", "secret", "shorter", "no dot", "empty", "not ASCII"])
def test_a_text_that_is_no_key_is_refused(change: str) -> None:
    made, text = new_key("alice", "laptop", BOTH)
    prefix, _, secret = text.partition(".")
    other = {
        "prefix": f"cxr_000000000000.{secret}",
        "secret": f"{prefix}.{secret[::-1]}",
        "shorter": text[:-1],
        "no dot": prefix + secret,
        "empty": "",
        "not ASCII": f"{prefix}.\xe9{secret}",
    }[change]
    with pytest.raises(InvalidKey):
        Register(keys=(made,)).caller_with(other)


def test_a_revoked_or_expired_key_is_refused() -> None:
    made, text = new_key("alice", "laptop", BOTH, days=1)
    register = Register(keys=(made,))
    assert register.caller_with(text).owner == "alice"
    past = made.model_copy(update={"expires": datetime.now(UTC) - timedelta(seconds=1)})
    for useless in (made.revoked_now(), past):
        with pytest.raises(InvalidKey):
            Register(keys=(useless,)).caller_with(text)
        assert not Register(keys=(useless,)).lets_somebody_in


def test_the_file_is_its_owners_alone(path: Path) -> None:
    keep(path, new_key("alice", "laptop", BOTH)[0])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path], "a temporary file is left over"
    path.chmod(0o604)
    with pytest.raises(SettingsRefused, match="chmod 600"):
        read_register(path)


def test_a_wrong_file_is_refused_without_its_content(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({"keys": [{"prefix": "hunter2", "sha256": "hunter2"}]}))
    path.chmod(0o600)
    with pytest.raises(SettingsRefused, match=r"keys\.0\.prefix") as refusal:
        read_register(path)
    assert "hunter2" not in str(refusal.value)


def test_a_running_gateway_sees_changes_and_survives_a_broken_file(path: Path) -> None:
    (first, text), (second, other) = new_key("alice", "laptop", BOTH), new_key("bob", "laptop", BOTH)
    keep(path, first)
    access = AccessFile(path)
    assert access.now().caller_with(text).owner == "alice"
    keep(path, first, second)
    assert access.now().caller_with(other).owner == "bob"
    path.write_text("{")
    assert access.now().caller_with(other).owner == "bob"
    path.unlink()
    assert access.now().caller_with(other).owner == "bob"
    keep(path, first, second.revoked_now())
    with pytest.raises(InvalidKey):
        access.now().caller_with(other)


# -- beyond loopback


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("gateway.example.org", False),
        ("", False),
    ],
)
def test_without_keys_loopback_alone_is_listened_on(host: str, alone: bool) -> None:
    assert is_loopback(host) is alone
    if alone:
        refuse_open_doors(host, None)
    else:
        with pytest.raises(SettingsRefused, match="keys create"):
            refuse_open_doors(host, None)


def test_a_file_that_lets_nobody_in_is_refused(path: Path) -> None:
    with pytest.raises(SettingsRefused, match="lets nobody in"):
        refuse_open_doors("127.0.0.1", AccessFile(path))
    keep(path, new_key("alice", "laptop", BOTH)[0].revoked_now())
    with pytest.raises(SettingsRefused, match="lets nobody in"):
        refuse_open_doors("0.0.0.0", AccessFile(path))
    keep(path, new_key("alice", "laptop", BOTH)[0])
    refuse_open_doors("0.0.0.0", AccessFile(path))


def test_half_a_certificate_is_refused(tmp_path: Path) -> None:
    there = tmp_path / "tls.crt"
    there.touch()
    with pytest.raises(SettingsRefused, match="both"):
        refuse_half_a_certificate(Settings(tls_certificate=there))
    with pytest.raises(SettingsRefused, match="cannot be read"):
        refuse_half_a_certificate(Settings(tls_certificate=there, tls_key=tmp_path / "tls.key"))
    refuse_half_a_certificate(Settings(tls_certificate=there, tls_key=there))
    refuse_half_a_certificate(Settings())


def test_the_process_ends_with_2_and_one_line() -> None:
    done = command("serve", "--host", "0.0.0.0")
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "settings_refused" in done.stderr
    assert "CXR_ACCESS_FILE" in done.stderr


# -- the commands


def test_the_commands_make_list_and_revoke(path: Path) -> None:
    made = command("keys", "create", "--owner", "alice", "--name", "laptop", CXR_ACCESS_FILE=str(path))
    assert made.exit_code == 0, made.stderr
    text = made.stdout.strip()
    assert read_register(path).caller_with(text).scopes == set(BOTH)
    listed = command("keys", "list", "--file", str(path)).stdout
    assert "alice" in listed
    assert text.partition(".")[2] not in listed
    again = command("keys", "create", "--owner", "alice", "--name", "laptop", "--file", str(path))
    assert (again.exit_code, again.stdout) == (2, "")
    assert command("keys", "revoke", text, "--file", str(path)).exit_code == 0
    with pytest.raises(InvalidKey):
        read_register(path).caller_with(text)
    assert "revoked" in command("keys", "list", "--file", str(path)).stdout
    assert command("keys", "revoke", "cxr_000000000000", "--file", str(path)).exit_code == 2


def test_a_wrong_owner_is_refused_in_one_line(path: Path) -> None:
    done = command("keys", "create", "--owner", "Alice:all", "--name", "x", "--file", str(path))
    assert done.exit_code == 2
    assert done.stderr.startswith("error: owner: give lower-case letters")
    assert not path.exists()


# -- the door


@pytest.fixture
def keys(path: Path) -> dict[str, str]:
    """Texts of keys by what they may do."""
    made = {str(scope): new_key("alice", scope, [scope]) for scope in Scope}
    keep(path, *(key for key, _ in made.values()))
    return {scope: text for scope, (_, text) in made.items()}


@pytest.fixture
def client(path: Path, keys: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """The API of a gateway with keys, whose Redis and Triton are away: who gets past the door hears 503."""
    monkeypatch.setattr(ledger, "ATTEMPTS_AGAIN", 0)
    nowhere = Settings(redis_url="redis://127.0.0.1:1/0", triton_url="127.0.0.1:1", access_file=path)
    with TestClient(http_app(Parts.of(nowhere)), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("address", [f"/v1/jobs/{JOB}", "/v1/model", "/openapi.json", "/docs", "/", "/v1/nothing"])
def test_without_a_key_nothing_is_said(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["code"] == "not_signed_in"


def test_probes_need_no_key(client: TestClient) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


@pytest.mark.parametrize(
    "headers", [{"Authorization": "Bearer {}"}, {"authorization": "bearer  {}"}, {"X-API-Key": "{}"}]
)
def test_a_key_is_taken_as_bearer_or_as_header(
    client: TestClient, keys: dict[str, str], headers: dict[str, str]
) -> None:
    with_key = {name: value.format(keys["read"]) for name, value in headers.items()}
    assert client.get(f"/v1/jobs/{JOB}", headers=with_key).json()["code"] == "ledger_unavailable"
    wrong = {name: value.format(keys["read"][:-1]) for name, value in headers.items()}
    assert client.get(f"/v1/jobs/{JOB}", headers=wrong).json()["code"] == "invalid_key"


def test_a_key_in_the_address_is_no_key(client: TestClient, keys: dict[str, str]) -> None:
    """Addresses are logged on their way."""
    assert client.get(f"/v1/jobs/{JOB}", params={"key": keys["read"], "api_key": keys["read"]}).status_code == 401


FOR_EVERY_KEY = {"GET /v1/model"}
OPINION = "POST /v1/jobs/{job_id}/images/{index}/feedback"  # who reads may say what they think of it


def test_a_scope_that_is_missing_is_refused_at_every_route(client: TestClient, keys: dict[str, str]) -> None:
    described = client.get("/openapi.json", headers={"X-API-Key": keys["read"]}).json()["paths"]
    operations = {
        f"{method.upper()} {path}": "requestBody" in operation
        for path, of_path in described.items()
        if path.startswith("/v1/")
        for method, operation in of_path.items()
    }
    assert {*FOR_EVERY_KEY, OPINION} < set(operations)
    for operation in operations.keys() - FOR_EVERY_KEY:
        method, path = operation.split()
        address = path.format(job_id=JOB, index=0)
        body: dict[str, Any] = {}
        if path == "/v1/jobs" and operations[operation]:
            body = {"files": [("files", b"film")]}
        elif operations[operation]:
            body = {"json": {"verdict": "agree"}}
        scope = "read" if method == "GET" or operation == OPINION else "submit"
        for has, text in keys.items():
            answer = client.request(method, address, headers={"X-API-Key": text}, **body)
            expected = (503, "ledger_unavailable") if has in (scope, "admin") else (403, "scope_missing")
            assert (answer.status_code, answer.json()["code"]) == expected, f"{operation} with {has}"
