"""A request that is sent again with its idempotency key makes no second job, whenever the first one was cut off."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cxr.errors import LedgerUnavailable
from cxr.jobs import IdempotencyKeys, JobStore
from gateway.auth import Caller, Scope
from gateway.idempotency import Once
from gateway.spool import Upload
from gateway.uploads import accept
from tests.files import png
from tests.gateway import Files, Gateway

FILM = png()
FILES: Files = [("a.png", FILM), ("b.png", FILM + b"x")]


def send(gateway: Gateway, files: Files = FILES, key: str = "once") -> Any:
    parts = [("files", file) for file in files]
    return gateway.client.post("/v1/jobs", files=parts, headers={"Idempotency-Key": key})


def test_the_same_request_is_the_same_job(gateway: Gateway) -> None:
    first, again = send(gateway), send(gateway)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"]
    assert ("idempotent-replayed" in first.headers, again.headers.get("idempotent-replayed")) == (False, "true")
    assert len(gateway.parts.jobs.recent()) == 1
    assert gateway.stored() == 2


def test_the_answer_to_a_repeated_request_is_where_the_job_stands(gateway: Gateway) -> None:
    job = send(gateway).json()
    gateway.client.post(f"/v1/jobs/{job['id']}/cancel")
    assert send(gateway).json()["state"] == "cancelled"


@pytest.mark.parametrize(
    "files",
    [
        [("a.png", FILM)],
        [("a.png", FILM), ("c.png", FILM + b"x")],
        [("a.png", FILM), ("b.png", FILM + b"y")],
        [("b.png", FILM + b"x"), ("a.png", FILM)],
    ],
)
def test_other_content_is_refused(gateway: Gateway, files: Files) -> None:
    send(gateway)
    answer = send(gateway, files)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert len(gateway.parts.jobs.recent()) == 1


def test_another_key_is_another_job(gateway: Gateway) -> None:
    assert send(gateway, key="one").json()["id"] != send(gateway, key="two").json()["id"]


@pytest.mark.parametrize("key", ["", " ", "x" * 256])
def test_a_key_that_is_none_is_refused(gateway: Gateway, key: str) -> None:
    answer = send(gateway, key=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_a_refused_request_does_not_use_up_its_key(start: Callable[..., Gateway]) -> None:
    gateway = start(max_backlog_images=2)
    full = gateway.submit([("full.png", FILM)])
    assert send(gateway).json()["code"] == "queue_full"
    gateway.client.delete(f"/v1/jobs/{full['id']}")
    assert send(gateway).status_code == 202


def test_a_key_is_free_again_when_its_job_is_gone(gateway: Gateway) -> None:
    first = send(gateway).json()["id"]
    gateway.client.delete(f"/v1/jobs/{first}")
    assert send(gateway, FILES[:1]).json()["id"] != first


def test_a_key_is_forgotten_after_its_time(start: Callable[..., Gateway]) -> None:
    gateway = start(idempotency_s=60)
    send(gateway)
    redis = gateway.parts.jobs._ledger.redis
    [name] = list(redis.scan_iter("cxr:bound:*"))
    assert 0 < redis.ttl(name) <= 60


def test_owners_do_not_share_keys(gateway: Gateway) -> None:
    uploads = [Upload.of_bytes("a.png", FILM)]
    jobs = set()
    for owner in ("alice", "bob"):
        seen = gateway.parts.seen_by(Caller(owner, frozenset({Scope.SUBMIT})))
        for _ in range(2):
            jobs.add(accept(uploads, seen, Once.of_files("once", uploads)).id)
    assert len(jobs) == 2


def test_of_requests_that_come_at_once_one_makes_the_job(gateway: Gateway) -> None:
    uploads = [Upload.of_bytes(name, content) for name, content in FILES]
    once = Once.of_files("once", uploads)
    with ThreadPoolExecutor(8) as pool:
        jobs = {job.id for job in pool.map(lambda _: accept(uploads, gateway.parts, once), range(16))}
    assert len(jobs) == 1
    assert [job.id for job in gateway.parts.jobs.recent()] == list(jobs)
    assert gateway.parts.jobs.job(*jobs).state == "queued"
    assert gateway.stored() == 2


def test_one_that_was_second_forgets_its_own_job(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both look before either is bound."""
    monkeypatch.setattr(IdempotencyKeys, "bound", lambda *_: None)
    first, second = send(gateway), send(gateway)
    assert first.json() == second.json()
    assert len(gateway.parts.jobs.recent()) == 1
    answer = send(gateway, FILES[:1])
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert len(gateway.parts.jobs.recent()) == 1


def away(*_: Any) -> Any:
    """As when the gateway dies, or loses Redis, before a job is submitted."""
    raise LedgerUnavailable


def test_a_job_that_was_bound_and_not_submitted_is_submitted_by_the_next_request(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as cut:
        cut.setattr(JobStore, "submit", away)
        assert send(gateway).status_code == 503
    [left] = gateway.parts.jobs.recent()
    assert left.state == "receiving"
    answer = send(gateway)
    assert (answer.status_code, answer.json()["id"], answer.json()["state"]) == (202, left.id, "queued")


def test_without_a_key_nothing_is_left_of_a_request_that_failed(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as cut:
        cut.setattr(JobStore, "submit", away)
        assert gateway.post(FILES).status_code == 503
    assert gateway.parts.jobs.recent() == []
    assert gateway.stored() == 0


def test_a_fingerprint_tells_names_from_contents() -> None:
    def of(*files: tuple[str, bytes]) -> str:
        return Once.of_files("key", [Upload.of_bytes(*file) for file in files]).fingerprint

    assert of(("a", b"b")) != of(("ab", b""))
    assert of(("a", b""), ("b", b"")) != of(("a", b"b"))
    assert of(("a", b"b")) == of(("a", b"b"))
