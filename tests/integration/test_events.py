"""Following a job over a real connection."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from cxr.errors import LedgerUnavailable
from cxr.jobs import JobStore, Leases
from cxr.schemas import Chunk
from deploy.local.settings import ROOT
from gateway import api_events, following
from gateway.parts import Parts
from tests.gateway import JUDGED, served
from tests.ledger_jobs import submitted
from tests.stack import Stack, free_port, wait_until

TIMEOUT_S = 30.0
Served = tuple[str, Parts]


class Follower:
    """Reads events off one connection."""

    def __init__(self, url: str, job_id: str, heard: str = "") -> None:
        headers = {"Last-Event-ID": heard} if heard else {}
        self._client = httpx.Client(timeout=TIMEOUT_S)
        request = self._client.build_request("GET", f"{url}/v1/jobs/{job_id}/events", headers=headers)
        self.response = self._client.send(request, stream=True)
        self._lines = self.response.iter_lines()

    def next(self) -> dict[str, str] | None:
        """The next event's fields, None at the end of the stream; comments are the field ''."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if not line and fields:
                return fields
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        return None

    def close(self) -> None:
        self.response.close()
        self._client.close()


@pytest.fixture
def gateway(redis_stack: Stack, tmp_path: Path) -> Iterator[Served]:
    redis_stack.ledger.redis.flushdb()
    changed = {"blobs_dir": tmp_path / "blobs", "max_owner_followers": 2}
    with served(redis_stack.settings.model_copy(update=changed)) as found:
        yield found


@pytest.fixture
def leases(redis_stack: Stack) -> Leases:
    return Leases(redis_stack.ledger, redis_stack.settings)


def running(parts: Parts, leases: Leases) -> str:
    """A job of two images that a worker has in hand: from here on each change is an answer."""
    job_id, _ = submitted(parts.jobs, 2)
    assert leases.claim(Chunk(job_id, 0, 1))
    return job_id


def answer(leases: Leases, job_id: str, index: int) -> None:
    leases.record(Chunk(job_id, 0, 1), {index: JUDGED})


def test_a_follower_hears_every_change_and_the_end(gateway: Served, leases: Leases) -> None:
    url, parts = gateway
    job_id = running(parts, leases)
    with closing(Follower(url, job_id)) as follower:
        assert follower.response.headers["content-type"].startswith("text/event-stream")
        first = follower.next()
        assert first is not None
        assert (first["event"], first["id"], first["retry"]) == ("progress", "running-0-2", "2000")
        assert json.loads(first["data"]) == parts.jobs.job(job_id).model_dump(mode="json")
        for index, name in ((0, "progress"), (1, "done")):
            answer(leases, job_id, index)
            event = follower.next()
            assert event is not None
            assert (event["event"], json.loads(event["data"])["answered"]) == (name, index + 1)
        assert follower.next() is None


def test_a_follower_that_comes_back_hears_only_what_is_new(gateway: Served, leases: Leases) -> None:
    url, parts = gateway
    job_id = running(parts, leases)
    with closing(Follower(url, job_id, heard="running-0-2")) as follower:
        answer(leases, job_id, 0)
        event = follower.next()
        assert event is not None
        assert event["id"] == "running-1-2"
    parts.jobs.cancel(job_id)
    with closing(Follower(url, job_id, heard="running-1-2")) as follower:
        event = follower.next()
        assert event is not None
        assert (event["event"], event["id"]) == ("cancelled", "cancelled-1-2")
        assert follower.next() is None
    with closing(Follower(url, job_id, heard="cancelled-1-2")) as follower:
        assert follower.response.status_code == 204  # EventSource does not come back after this


def test_a_deleted_job_is_gone(gateway: Served) -> None:
    url, parts = gateway
    job_id, _ = submitted(parts.jobs, 2)
    with closing(Follower(url, job_id)) as follower:
        follower.next()
        parts.jobs.delete(job_id)
        event = follower.next()
        assert event is not None
        assert (event["event"], json.loads(event["data"])["code"]) == ("gone", "job_not_found")
        assert follower.next() is None


def test_an_unknown_job_is_a_problem(gateway: Served) -> None:
    answer = httpx.get(f"{gateway[0]}/v1/jobs/unknown/events")
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


def test_seats_are_few_and_are_given_back(gateway: Served) -> None:
    url, parts = gateway
    job_id, _ = submitted(parts.jobs, 1)
    first, second = Follower(url, job_id), Follower(url, job_id)
    with closing(first), closing(second), closing(Follower(url, job_id)) as third:
        assert third.response.status_code == 429
        assert third.response.headers["Retry-After"]
        assert json.loads(third.response.read())["code"] == "too_many_followers"

    def seat_is_free() -> bool:
        with closing(Follower(url, job_id)) as follower:
            return follower.response.status_code == 200

    wait_until(seat_is_free, TIMEOUT_S, "a seat to be given back")


def test_a_quiet_connection_is_kept_alive(gateway: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    url, parts = gateway
    job_id, _ = submitted(parts.jobs, 1)
    monkeypatch.setattr(api_events, "HEARTBEAT_S", 0.1)
    with closing(Follower(url, job_id, heard="queued-0-1")) as follower:
        event = follower.next()
        assert event is not None
        assert list(event) == [""]


def test_a_follower_outlasts_a_ledger_that_is_away(gateway: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    url, parts = gateway
    job_id, _ = submitted(parts.jobs, 1)
    monkeypatch.setattr(following, "LOOK_AGAIN_S", 0.05)
    job, failures = JobStore.job, iter(range(3))

    def away_at_times(self: JobStore, asked: str) -> Any:
        found = job(self, asked)
        if found.state.final and next(failures, None) is not None:
            raise LedgerUnavailable
        return found

    with closing(Follower(url, job_id)) as follower:
        follower.next()
        parts.jobs.cancel(job_id)
        monkeypatch.setattr(JobStore, "job", away_at_times)
        event = follower.next()
        assert event is not None
        assert event["event"] == "cancelled"
    assert next(failures, None) is None


def test_followers_do_not_keep_a_gateway_from_stopping(redis_stack: Stack, tmp_path: Path) -> None:
    port = free_port()
    environment = {
        **os.environ,
        "CXR_REDIS_URL": redis_stack.settings.redis_url,
        "CXR_BLOBS_DIR": str(tmp_path),
        "CXR_GATEWAY_PORT": str(port),
    }
    job_id, _ = submitted(redis_stack.jobs, 1)
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    process = subprocess.Popen([sys.executable, "-m", "gateway", "serve"], cwd=ROOT, env=environment)
    try:
        wait_until(answers, 120, "the gateway to start")
        with closing(Follower(url, job_id)) as follower:
            assert follower.next() is not None
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 128 + signal.SIGTERM
    finally:
        process.kill()
        process.wait()
