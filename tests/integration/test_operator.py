"""The operator's command line, against the real stack."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cxr.jobs import AuditLog, Ledger, Presence
from cxr.jobs.ledger import AUDIT
from cxr.schemas import Chunk, JobState, QueueName, Rejection
from deploy.local.settings import ROOT
from tests.files import png
from tests.stack import Stack, wait_until


def worker(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CXR_REDIS_URL": stack.settings.redis_url, "COLUMNS": "80"}
    environment["CXR_BLOBS_DIR"] = str(stack.settings.blobs_dir)
    command = [sys.executable, "-m", "worker", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_jobs_are_listed_looked_at_and_forgotten(stack: Stack) -> None:
    wide = stack.submit([b"no film"] * 1001, QueueName.INTERACTIVE)
    stack.results(wide)
    job_id = stack.submit([png(), b"not a film"])
    stack.results(job_id)
    listed = worker(stack, "jobs").stdout
    assert job_id in listed, "whatever stands beside it"
    assert "1001 of 1001" in listed
    looked_at = worker(stack, "inspect", job_id).stdout
    assert "2 of 2 answered" in looked_at
    assert "unsupported_format" in looked_at
    assert worker(stack, "delete", job_id).returncode == 0
    gone = worker(stack, "inspect", job_id)
    assert gone.returncode == 1
    assert "job_not_found" in gone.stdout
    assert [entry.action for entry in AuditLog(stack.ledger).entries() if entry.job_id == job_id] == ["deleted"]


def test_an_image_that_was_set_aside_is_tried_again(stack: Stack) -> None:
    job_id = stack.submit([png()])
    stack.results(job_id)
    stack.ledger.redis.sadd("cxr:set_aside", f"{job_id}/0")
    stack.ledger.redis.hset(
        f"cxr:job:{job_id}:results", "0", Rejection(code="poison_image", message="set aside").model_dump_json()
    )
    [line] = [
        line for line in worker(stack, "set-aside").stdout.splitlines() if line.startswith(f"{job_id} 0  batch  ")
    ]
    sha256, place = line.split()[-2:]
    assert sha256 == stack.jobs.result(job_id, 0).image.sha256
    assert Path(place).read_bytes() == png()
    assert sha256 in worker(stack, "inspect", job_id).stdout
    assert "waits again" in worker(stack, "retry", job_id, "0").stdout
    [answer] = stack.results(job_id)
    assert getattr(answer, "code", None) != "poison_image"
    assert worker(stack, "retry", job_id, "0").returncode == 1
    assert [entry.action for entry in AuditLog(stack.ledger).entries() if entry.job_id == job_id] == ["retried"]


def test_a_job_is_stopped_and_the_record_says_so(redis_stack: Stack) -> None:
    done = redis_stack.submit([])
    refused = worker(redis_stack, "cancel", done)
    assert (refused.returncode, "is done already" in refused.stdout) == (1, True)
    assert done not in worker(redis_stack, "audit").stdout
    job_id = redis_stack.submit([png(), png()])
    assert worker(redis_stack, "cancel", job_id).returncode == 0
    assert redis_stack.jobs.job(job_id).state is JobState.CANCELLED
    record = [line.split("  ") for line in worker(redis_stack, "audit").stdout.splitlines() if job_id in line]
    assert [(action, images) for _, _, action, _, images in record] == [("cancelled", "2 images")]


def test_old_entries_of_the_record_move_to_a_file_and_no_other(redis_stack: Stack, tmp_path: Path) -> None:
    record, old = AuditLog(redis_stack.ledger), datetime.now(UTC) - timedelta(days=400)
    redis_stack.ledger.redis.delete(AUDIT)
    redis_stack.ledger.redis.xadd(
        AUDIT, {"actor": "k", "action": "read", "job_id": "j", "images": 3}, id=f"{int(old.timestamp() * 1000)}-0"
    )
    record.add("k", "deleted", "j", 3)
    archive = tmp_path / "audit.jsonl"
    assert worker(redis_stack, "archive-audit", str(archive)).returncode == 0
    [line] = [json.loads(line) for line in archive.read_text().splitlines()]
    assert (line["actor"], line["action"], line["job_id"], line["images"]) == ("k", "read", "j", 3)
    assert abs(datetime.fromisoformat(line["at"]) - old) < timedelta(seconds=1)
    assert [entry.action for entry in record.entries()] == ["deleted", "archived"]
    again = worker(redis_stack, "archive-audit", str(archive))
    assert (again.returncode, archive.read_text().count("\n")) == (2, 1), "an archive is never written over"


def test_what_is_past_its_retention_is_forgotten_by_command(redis_stack: Stack) -> None:
    assert worker(redis_stack, "retain", "--adopt").returncode == 0  # other tests empty the ledger
    job_id = redis_stack.submit([png()])
    redis_stack.ledger.redis.zadd("cxr:expiring", {job_id: 1})
    done = worker(redis_stack, "retain")
    assert (done.returncode, "1 jobs forgotten, 0 films" in done.stdout) == (0, True), done.stdout
    assert job_id not in [job.id for job in redis_stack.jobs.recent()]
    redis_stack.ledger.redis.flushdb()
    refused = worker(redis_stack, "retain")
    assert (refused.returncode, refused.stdout.startswith("other_installation: ")) == (1, True), refused.stdout


def test_a_drained_worker_stops_by_itself_and_no_other(redis_stack: Stack) -> None:
    names = "worker", "worker-2"
    redis_stack.start(*names)
    presence = Presence(redis_stack.ledger)
    wait_until(lambda: presence.count() == 2, 30, "the workers to give a sign of life")
    listed = worker(redis_stack, "workers").stdout
    found = re.findall(r"^(worker-(\d+)@\S+): \d+ chunks", listed, re.MULTILINE)
    called = {int(pid): name for name, pid in found}
    assert set(called) == {redis_stack.pid(name) for name in names}, listed
    unknown = worker(redis_stack, "drain", "celery@vm")
    assert unknown.returncode == 1
    assert all(name in unknown.stdout for name in called.values()), unknown.stdout
    assert worker(redis_stack, "drain", called[redis_stack.pid("worker")]).returncode == 0
    wait_until(lambda: not redis_stack.alive("worker"), 30, "the worker to stop")
    wait_until(lambda: presence.count() == 1, 15, "its sign of life to be gone")
    assert redis_stack.alive("worker-2")
    for name in names:
        redis_stack.stop(name)


@pytest.fixture
def lone_worker(redis_stack: Stack, ledger: Ledger) -> Iterator[subprocess.Popen[bytes]]:
    """A worker on an empty ledger, without Triton."""
    redis_stack.start("worker")
    yield redis_stack.process("worker")
    redis_stack.stop("worker")


@pytest.mark.parametrize("told", ["drain", "signal"])
def test_a_worker_that_waits_for_triton_stops_when_told_and_puts_its_chunk_back(
    redis_stack: Stack, ledger: Ledger, lone_worker: subprocess.Popen[bytes], told: str
) -> None:
    said_before = redis_stack.log("worker").count("model_away")
    job_id = redis_stack.submit([png()])
    wait_until(lambda: redis_stack.log("worker").count("model_away") > said_before, 60, "the model to be missed")
    in_hand = re.compile(rf"^(worker-{lone_worker.pid}@\S+): [1-9]\d* chunks in hand", re.MULTILINE)
    wait_until(lambda: in_hand.search(worker(redis_stack, "workers").stdout), 60, "a chunk to wait for the model")
    if told == "drain":
        name = f"worker-{lone_worker.pid}@{socket.gethostname()}"
        assert worker(redis_stack, "drain", name).returncode == 0
    else:
        lone_worker.terminate()
    wait_until(lambda: not redis_stack.alive("worker"), 15, "the worker to stop")
    assert lone_worker.returncode == 0
    assert Presence(ledger).count() == 0, "and does not look present any more"
    assert redis_stack.leases.claim(Chunk(job_id, 0, 0)) is not None, "another worker may have it"


def test_what_cannot_be_done_is_said_in_a_line(redis_stack: Stack) -> None:
    redis_stack.ledger.redis.config_set("maxmemory", 1)
    try:
        for words in (("workers",), ("drain", "worker-1@vm")):
            full = worker(redis_stack, *words)
            assert (full.returncode, full.stderr, full.stdout.count("\n")) == (1, "", 1), full
            assert full.stdout.startswith("ledger_unavailable: ")
            assert "(OOM)" in full.stdout
    finally:
        redis_stack.ledger.redis.config_set("maxmemory", 0)
    assert worker(redis_stack, "jobs", "--most", "0").returncode == 2
