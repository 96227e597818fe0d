"""How often something may be asked, on a real Redis and over real TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi.testclient import TestClient

from cxr.errors import NotChestXray, RateExceeded
from cxr.jobs import AuditLog, Leases, Ledger, Rate, Rates
from cxr.schemas import Chunk, Rejection
from cxr.settings import Settings
from gateway.access.register import changing
from gateway.access.visit import network_of
from tests.files import png
from tests.guarded import access_file, key_of, password_of, visitor
from tests.stack import Stack


def counted(rates: Rates, *of: Rate, most: int = 1000) -> int:
    """How many requests are let through before one is not."""
    for number in range(most):
        try:
            rates.count(of)
        except RateExceeded:
            return number
    return most


def test_a_rate_is_a_burst_and_then_a_pace(ledger: Ledger) -> None:
    slow = Rate("alice", 5, 3600)
    assert counted(Rates(ledger), slow) == 5
    with pytest.raises(RateExceeded) as refused:
        Rates(ledger).count([slow])
    assert 600 <= refused.value.retry_after_s <= 720  # a fifth of an hour, less what has passed
    assert counted(Rates(ledger), Rate("bob", 5, 3600)) == 5, "bob pays for alice"
    quick = Rate("carol", 2, 1)
    assert counted(Rates(ledger), quick) >= 2
    assert ledger.redis.pttl(ledger.redis.keys("cxr:rates:*")[0]) > 0


def test_a_request_that_one_rate_refuses_costs_the_others_nothing(ledger: Ledger) -> None:
    rates = Rates(ledger)
    narrow, wide = Rate("narrow", 2, 3600), Rate("wide", 10, 3600)
    assert counted(rates, narrow, wide) == 2
    assert counted(rates, wide) == 8


def test_gateways_count_together(redis_stack: Stack, ledger: Ledger) -> None:
    other = Rates(Ledger(redis_stack.settings.redis_url))
    rate = Rate("alice", 4, 3600)
    for rates in (Rates(ledger), other, Rates(ledger), other):
        rates.count([rate])
    for rates in (Rates(ledger), other):
        with pytest.raises(RateExceeded):
            rates.count([rate])


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unix", "unix"),
    ],
)
def test_an_address_is_what_its_visitor_cannot_change(address: str, counted_as: str) -> None:
    assert network_of(address) == counted_as


# -- at the door


def test_a_key_has_its_own_rate_and_quota(guarded: Settings, access_path: Path) -> None:
    few, text = key_of("alice", name="few", requests_per_minute=3, waiting_images=2)
    many, other = key_of("alice", name="many")
    access_file(access_path, keys=[few, many])
    with visitor(guarded) as client:
        films = [("files", (f"{number}.png", png())) for number in range(3)]
        answer = client.post("/v1/jobs", files=films, headers={"X-API-Key": text})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_many_images")
        assert "at most 2 images" in answer.json()["detail"]
        assert client.post("/v1/jobs", files=films, headers={"X-API-Key": other}).status_code == 202
        answers = [client.get("/v1/jobs", headers={"X-API-Key": text}) for _ in range(4)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert 1 <= len(refused) <= 2
        assert refused[0].json()["code"] == "rate_exceeded"
        assert 1 <= int(refused[0].headers["retry-after"]) <= 60
        assert client.get("/v1/jobs", headers={"X-API-Key": other}).status_code == 200


def test_an_address_that_guesses_keys_hears_429_and_who_has_one_passes(
    guarded: Settings, access_path: Path, ledger: Ledger
) -> None:
    made, text = key_of("alice")
    access_file(access_path, keys=[made])
    made_up = {"X-API-Key": f"cxr_000000000000.{'x' * 43}"}
    with visitor(guarded) as client:
        guesses = iter(lambda: client.get("/v1/jobs", headers=made_up).json()["code"], "rate_exceeded")
        codes = list(islice(guesses, 6000))
        assert client.get("/v1/jobs", headers={"X-API-Key": text}).status_code == 200
    assert 60 <= len(codes) < 6000
    assert set(codes) == {"invalid_key"}
    noted = [entry for entry in AuditLog(ledger).entries() if entry.action == "invalid_key"]
    assert [(entry.actor, entry.about) for entry in noted] == [("unknown", "from testclient")], (
        "once, not at each guess"
    )


def test_an_address_has_a_rate_whatever_it_shows(guarded: Settings, access_path: Path) -> None:
    texts = []
    for name in ("alice", "bob"):
        made, text = key_of(name)
        access_file(access_path, keys=[made])
        texts.append(text)
    with visitor(guarded.model_copy(update={"max_address_requests_per_minute": 2})) as client:
        answers = [client.get("/v1/jobs", headers={"X-API-Key": text}) for text in (*texts, *texts)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].json()["code"] == "rate_exceeded"
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60


def test_refusals_of_people_known_are_on_the_record(guarded: Settings, access_path: Path, ledger: Ledger) -> None:
    reader, text = key_of("alice", ["read"], "viewer")
    access_file(access_path, keys=[reader])
    with visitor(guarded) as client:
        client.delete("/v1/jobs/patient-name-here", headers={"X-API-Key": text})
        client.get("/v1/jobs/patient-name-here", headers={"X-API-Key": text})
        client.get("/v1/jobs/patient-name-here/results", headers={"X-API-Key": text})
    found = [(entry.actor, entry.action, entry.about) for entry in AuditLog(ledger).entries()]
    assert ("alice/viewer", "refused", "403 DELETE /v1/jobs/{job_id}") in found
    assert ("alice/viewer", "refused", "404 GET /v1/jobs/{job_id}") in found
    assert "patient" not in str(list(AuditLog(ledger).entries()))


def test_keys_that_come_and_go_are_on_the_record_once(guarded: Settings, access_path: Path, ledger: Ledger) -> None:
    made, text = key_of("alice", name="laptop")
    access_file(access_path, keys=[made])
    with visitor(guarded) as one, visitor(guarded) as other:
        for client in (one, other, one):
            assert client.get("/v1/jobs", headers={"X-API-Key": text}).status_code == 200
        with changing(access_path) as box:
            box.append(box[0].model_copy(update={"keys": (made.revoked_now(),)}))
        for client in (one, other):
            assert client.get("/v1/jobs", headers={"X-API-Key": text}).status_code == 401
    of_keys = [entry for entry in AuditLog(ledger).entries() if entry.action.startswith("key_")]
    assert [(entry.actor, entry.action) for entry in of_keys] == [
        ("operator", "key_created"),
        ("operator", "key_revoked"),
    ]
    assert all(entry.about.startswith(f"{made.prefix} alice/laptop ") for entry in of_keys)


def test_who_is_shown_a_film_is_on_the_record(
    guarded: Settings, access_path: Path, ledger: Ledger, leases: Leases, tmp_path: Path
) -> None:
    made, text = key_of("alice", name="desk")
    access_file(access_path, keys=[made])
    headers = {"X-API-Key": text}
    with visitor(guarded.model_copy(update={"blobs_dir": tmp_path / "blobs"})) as client:
        job_id = client.post("/v1/jobs", files=[("files", ("film.png", png()))], headers=headers).json()["id"]
        leases.record(Chunk(job_id, 0, 0), {0: Rejection.of(NotChestXray())})
        films = [client.get(f"/v1/jobs/{job_id}/images/{index}/film.png", headers=headers) for index in (0, 0, 1)]
    assert [film.status_code for film in films] == [200, 200, 404]
    read = [entry for entry in AuditLog(ledger).entries() if entry.action == "picture_read"]
    assert [(entry.actor, entry.job_id, entry.about) for entry in read] == [("alice/desk", job_id, "image 0")]


# -- other origins


def test_other_origins_may_read_when_they_are_listed(guarded: Settings, access_path: Path) -> None:
    made, text = key_of("alice")
    access_file(access_path, keys=[made])
    listed = guarded.model_copy(update={"allowed_origins": "https://ris.example, https://pacs.example"})
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}

    def allowed(client: TestClient, origin: str) -> tuple[str | None, str | None]:
        before = client.options("/v1/jobs", headers={"Origin": origin, **preflight})
        answer = client.get("/v1/jobs", headers={"Origin": origin, "X-API-Key": text})
        assert "access-control-allow-credentials" not in answer.headers
        return tuple(each.headers.get("access-control-allow-origin") for each in (before, answer))  # type: ignore[return-value]

    with visitor(listed) as client:
        assert allowed(client, "https://pacs.example") == ("https://pacs.example",) * 2
        assert allowed(client, "https://evil.example") == (None, None)
    with visitor(guarded) as client:
        assert allowed(client, "https://pacs.example") == (None, None)


# -- over TLS, behind a proxy


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gateway")]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = builder.add_extension(here, critical=False).sign(key, hashes.SHA256())
    paths = folder / "tls.crt", folder / "tls.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pkcs8 = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, serialization.NoEncryption()))
    return paths


@pytest.fixture
def over_tls(redis_stack: Stack, access_path: Path, ledger: Ledger, tmp_path: Path) -> Iterator[httpx.Client]:
    public, private = certificate(tmp_path)
    gateway = redis_stack.beside(
        CXR_ACCESS_FILE=str(access_path),
        CXR_TLS_CERTIFICATE=str(public),
        CXR_TLS_KEY=str(private),
        CXR_TRUSTED_PROXIES="127.0.0.0/8",
    )
    try:
        gateway.start("gateway")
        url = gateway.gateway_url.replace("http:", "https:")
        with httpx.Client(base_url=url, verify=ssl.create_default_context(cafile=str(public)), timeout=60) as client:
            yield client
    finally:
        gateway.stop("gateway")


def test_the_gateway_speaks_tls_and_believes_its_proxy(over_tls: httpx.Client, ledger: Ledger) -> None:
    def sign_in(address: str) -> Any:
        headers = {"X-Forwarded-For": address, "Origin": str(over_tls.base_url)}
        return over_tls.post("/sign-in", data={"name": "alice", "password": password_of("alice")}, headers=headers)

    answer = sign_in("203.0.113.9")
    assert answer.status_code == 303
    assert "max-age=31536000" in answer.headers["strict-transport-security"]
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-cxr-session=")
    assert "Secure" in cookie
    assert over_tls.get("/v1/jobs").status_code == 200
    noted = [entry.about for entry in AuditLog(ledger).entries() if entry.action == "signed_in"]
    assert noted == ["from 203.0.113.9"]
