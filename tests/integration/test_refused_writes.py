"""Redis answers and refuses writes: read-only, or full. The worker waits for it and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.chaos.films import film
from bench.chaos.measurement import recorded
from tests.files import png
from tests.stack import Stack, wait_until

WAITS, REFUSED_S, CHUNKS = "broker_takes_no_writes", 30, 8


@pytest.fixture
def working(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path, CXR_CHUNK_SIZE="16", CXR_LEASE_S="2")
    try:
        stack.start("redis", "triton")
        yield stack
    finally:
        stack.close()


def waits(stack: Stack, times: int) -> None:
    """Wait until the worker has said that often that it waits; it may not end meanwhile."""
    wait_until(lambda: not stack.alive("worker") or stack.log("worker").count(WAITS) >= times, REFUSED_S, WAITS)
    assert stack.alive("worker"), stack.log("worker")[-3000:]


def test_a_worker_that_is_started_under_a_read_only_redis_waits_and_stops_when_told(working: Stack) -> None:
    working.ledger.redis.replicaof("127.0.0.1", "1")
    working.start("worker")
    waits(working, 1)
    working.ledger.redis.replicaof("NO", "ONE")
    assert len(working.results(working.submit([png()]))) == 1
    working.ledger.redis.replicaof("127.0.0.1", "1")
    waits(working, 2)
    process = working.process("worker")
    working.stop("worker")
    assert process.returncode == 0


def test_a_worker_outlasts_a_full_redis_and_loses_and_doubles_nothing(working: Stack) -> None:
    working.start("worker")
    jobs = [working.submit([film(seed, number) for number in range(16)]) for seed in range(CHUNKS)]
    wait_until(lambda: working.jobs.job(jobs[0]).answered, 60, "work to begin")
    working.ledger.redis.config_set("maxmemory", 1)
    waits(working, 2)  # ten seconds: longer than it keeps answers for a Redis that is away
    working.ledger.redis.config_set("maxmemory", 0)
    answers = [answer for job_id in jobs for answer in working.results(job_id)]
    assert len(answers) == 16 * CHUNKS
    assert working.jobs.set_aside() == []
    working.stop("worker")  # whose log now says all
    assert recorded(working.folder)["new"] == 16 * CHUNKS
