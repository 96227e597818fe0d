"""What errors, probes, metrics and page say of a Redis that hangs, or answers and refuses writes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cxr.errors import LedgerUnavailable
from cxr.jobs import JobStore, Ledger
from cxr.schemas import QueueName
from gateway.parts import Parts
from gateway.pulse import feel
from tests.files import png
from tests.ledger_jobs import image
from tests.stack import Stack, free_port

SCRAPE_TIMEOUT_S = 8.0  # Prometheus waits for 10 s


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path, CXR_GATEWAY_METRICS_PORT=str(free_port()))
    try:
        stack.start("redis", "gateway")
        yield stack
    finally:
        stack.close()


def metrics(stack: Stack) -> dict[str, float]:
    text = httpx.get(f"http://127.0.0.1:{stack.settings.gateway_metrics_port}/metrics", timeout=SCRAPE_TIMEOUT_S).text
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines if name.startswith("cxr_ledger")}


def test_a_redis_that_hangs_is_seen_in_time(watched: Stack) -> None:
    assert metrics(watched)["cxr_ledger_up"] == 1
    os.kill(watched.pid("redis"), signal.SIGSTOP)
    try:
        for look in (1, 2):
            assert metrics(watched) == {"cxr_ledger_up": 0}, look
            ready = httpx.get(f"{watched.gateway_url}/readyz", timeout=SCRAPE_TIMEOUT_S)
            assert ready.status_code == 503
            assert "ledger (TimeoutError)" in ready.json()["detail"]
    finally:
        os.kill(watched.pid("redis"), signal.SIGCONT)


def test_a_redis_that_refuses_writes_is_not_said_to_be_well(watched: Stack) -> None:
    assert metrics(watched)["cxr_ledger_writable"] == 1
    watched.ledger.redis.config_set("maxmemory", 1)
    seen = metrics(watched)
    assert (seen["cxr_ledger_up"], seen["cxr_ledger_writable"]) == (1, 0)
    with httpx.Client(base_url=watched.gateway_url, timeout=30) as client:
        assert "ledger (OOM)" in client.get("/readyz").json()["detail"]
        refused = client.post("/v1/jobs", files=[("files", ("film.png", png()))])
    assert (refused.status_code, refused.json()["code"]) == (503, "ledger_unavailable")
    assert "(OOM)" in refused.json()["detail"]
    assert '"part_unavailable"' in watched.log("gateway")
    now = feel(Parts.of(watched.settings))
    assert (now.ledger, now.writable) == (True, False)


def test_why_redis_refuses_is_said_with_its_own_word_and_no_key(jobs: JobStore, ledger: Ledger) -> None:
    job_id = jobs.create(QueueName.BATCH)
    ledger.redis.config_set("maxmemory", 1)
    calls = ledger.probe, lambda: jobs.append(job_id, [(image(1), None)]), lambda: jobs.create(QueueName.BATCH)
    for call in calls:  # a command, a script, a pipeline
        with pytest.raises(LedgerUnavailable) as full:
            call()
        assert full.value.detail == "OOM"
    ledger.redis.config_set("maxmemory", 0)
    ledger.redis.replicaof("127.0.0.1", "1")
    ledger.ping()
    with pytest.raises(LedgerUnavailable, match=r"\(READONLY\)"):
        ledger.probe()
    ledger.redis.replicaof("NO", "ONE")
    ledger.probe()
