"""What earlier versions left is read by this one, and workers of both work side by side.

``tests/earlier/*.json`` are ledgers as ``tests/earlier/write_ledger.py`` left them under the commit of their name.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from cxr.blobs import FolderStore
from cxr.custody import Custody
from cxr.jobs import AuditLog, JobStore, Leases, Ledger
from cxr.schemas import (
    Chunk,
    Finding,
    JobImage,
    JobState,
    ModelIdentity,
    Prediction,
    QueueName,
    Rejection,
)
from cxr.settings import Settings
from deploy.local.settings import ROOT
from tests.files import grey_ramp, png
from tests.stack import Stack, wait_until

EARLIER = ROOT / "tests" / "earlier"
BEFORE_THIS = "bd448f5"  # whose worker runs beside ours, where the checkout has its history
MODEL = ModelIdentity(name="pneumonia_classifier", version=1, engine="openvino")
JUDGED = Prediction(
    finding=Finding.PNEUMONIA, probability=0.9, ood_score=0.1, heatmap=[[0.0, 2.0], [0.0, -1.0]], model=MODEL
)

every_version = pytest.mark.parametrize("version", sorted(path.stem for path in EARLIER.glob("*.json")))


@pytest.fixture
def settings(redis_stack: Stack) -> Settings:
    return redis_stack.settings.model_copy(update={"chunk_size": 2, "lease_s": 5})


def restored(ledger: Ledger, version: str) -> dict[str, str]:
    """Put an earlier version's ledger into Redis; its jobs by state. What was in hand has been silent since."""
    kept = json.loads((EARLIER / f"{version}.json").read_text())
    redis: Any = ledger.redis
    write = {
        "string": redis.set,
        "hash": lambda key, value: redis.hset(key, mapping=value),
        "list": lambda key, value: redis.rpush(key, *value),
        "set": lambda key, value: redis.sadd(key, *value),
        "zset": lambda key, value: redis.zadd(key, dict(value)),
        "stream": lambda key, value: [redis.xadd(key, fields, id=number) for number, fields in value],
    }
    for key, (kind, value) in kept["keys"].items():
        if not key.startswith("cxr:lease:"):
            write[kind](key, value)
    for chunk in redis.zrange("cxr:held", 0, -1):
        redis.zadd("cxr:held", {chunk: int(time.time() * 1000) - 1000})
    jobs: dict[str, str] = kept["jobs"]
    return jobs


def answer(leases: Leases, chunk: Chunk) -> int:
    lease = leases.claim(chunk)
    assert lease is not None
    return leases.record(lease.chunk, dict.fromkeys(lease.waiting, JUDGED), lease.token, lease.waiting)


@every_version
def test_an_earlier_ledger_is_read(ledger: Ledger, jobs: JobStore, version: str) -> None:
    made = restored(ledger, version)
    standing = {state: jobs.job(job_id) for state, job_id in made.items()}
    assert {state: (job.state.value, job.answered, job.total) for state, job in standing.items()} == {
        "done": ("done", 2, 2),
        "running": ("running", 3, 6),
        "queued": ("queued", 1, 3),
        "receiving": ("receiving", 1, 2),
        "cancelled": ("cancelled", 1, 2),
        "poisoned": ("done", 2, 2),
    }
    first, second = jobs.results(made["done"])
    assert (first.image.name, first.result) == ("a.png", JUDGED)
    assert isinstance(second.result, Rejection)
    assert second.result.code == "corrupt_image"
    assert {job.id for job in jobs.recent()} == set(made.values())
    assert [(entry.action, entry.job_id) for entry in AuditLog(ledger).entries()] == [("submitted", made["running"])]


@every_version
def test_what_this_version_writes_of_an_image_an_earlier_one_reads(
    ledger: Ledger, jobs: JobStore, version: str
) -> None:
    """It refuses fields that it does not know; so what was sent of an image is kept beside it."""
    made = restored(ledger, version)
    earlier = json.loads(ledger.redis.lindex(f"cxr:job:{made['done']}:images", 0))
    image = JobImage(name="a.png", sha256="00" * 32, size_bytes=1, sent_sha256="11" * 32, sent_size_bytes=2)
    job_id = jobs.create(QueueName.BATCH)
    jobs.append(job_id, [(image, None)])
    assert set(json.loads(ledger.redis.lindex(f"cxr:job:{job_id}:images", 0))) <= {*earlier, "notes"}
    assert [row.image for row in jobs.results(job_id)] == [image]
    assert next(jobs.results(made["done"])).image.sent_sha256 is None
    jobs.delete(job_id)
    assert [key for key in ledger.redis.keys("*") if job_id in str(key)] == []


@every_version
def test_work_that_an_earlier_version_left_is_finished(
    ledger: Ledger, jobs: JobStore, leases: Leases, version: str
) -> None:
    made = restored(ledger, version)
    hinted = {str(found.chunk): found.stops for found in leases.overdue(between_looks_s=0)}
    assert (hinted[f"{made['running']}/2/2"], hinted[f"{made['running']}/3/3"]) == (1, 1), "tried one by one"
    for job, first, last in (("running", 2, 2), ("running", 3, 3), ("running", 4, 5), ("queued", 0, 1)):
        answer(leases, Chunk(made[job], first, last))
    jobs.append(made["receiving"], [(JobImage(name="k.png", sha256="00" * 32, size_bytes=1), None)])
    for chunk in jobs.submit(made["receiving"]):
        answer(leases, chunk)
    assert jobs.set_aside() == [(made["poisoned"], 0)]
    assert jobs.retry(made["poisoned"], 0)
    answer(leases, Chunk(made["poisoned"], 0, 0))
    left = {state for state, job_id in made.items() if jobs.job(job_id).state is not JobState.DONE}
    assert left == {"cancelled"}
    known = leases.known_answers([hashlib.sha256(b"a").hexdigest()], MODEL)
    assert list(known.values()) == [JUDGED]


@every_version
def test_jobs_of_an_earlier_version_leave_nothing_when_they_go(
    ledger: Ledger, jobs: JobStore, version: str, tmp_path: Path
) -> None:
    made = restored(ledger, version)
    for name in "abcdefghij":  # as the earlier version stored them: two digits of the hash, then the rest
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        path = tmp_path / sha256[:2] / sha256[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
    blobs = FolderStore(tmp_path)
    assert blobs.get(hashlib.sha256(b"c").hexdigest()) == b"c"
    for job_id in made.values():
        Custody(jobs, blobs, AuditLog(ledger)).forget(job_id, "operator")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert ledger.redis.hlen("cxr:blob_needs") == 0
    assert ledger.redis.keys("cxr:job:*") == []
    load = ledger.redis.hgetall("cxr:load:all")
    assert {field: int(number) for field, number in load.items()} == {"images": 0, "bytes": 0}


@pytest.fixture
def earlier_worker(stack: Stack, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The worker of the version before this, in the same stack."""
    packed = subprocess.run(["git", "archive", BEFORE_THIS], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip(f"this checkout does not have the commit {BEFORE_THIS}")
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        archive.extractall(tmp_path / "earlier", filter="data")
    places = ("CXR_REDIS_URL", "CXR_TRITON_URL", "CXR_BLOBS_DIR", "CXR_RECONCILE_INTERVAL_S")
    environment = {name: value for name, value in stack.environment().items() if name in places}
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "worker", "run"],
            cwd=tmp_path / "earlier",
            env={"PATH": os.environ["PATH"], **environment},
            stdout=log,
            stderr=log,
            process_group=0,
        )
    yield worker
    if worker.poll() is None:
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()


def test_workers_of_both_versions_share_the_work(
    stack: Stack, earlier_worker: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """Then the earlier one is killed with chunks in hand, as at the end of an upgrade that goes wrong."""

    def job(number: int) -> str:
        return stack.submit([png(grey_ramp(200 + number % 7, 180 + place)) for place in range(130)], QueueName.BATCH)

    log = tmp_path / "worker.log"
    rounds = 0
    answered_by_both = False
    while not answered_by_both:
        ours_before = stack.log("worker").count("chunk_answered")
        submitted = [job(rounds), job(rounds + 1)]
        rounds += 2
        for job_id in submitted:
            assert len(stack.results(job_id, timeout_s=180)) == 130
        assert earlier_worker.poll() is None, log.read_text()[-3000:]
        theirs = log.read_text(errors="replace").count("chunk_answered")
        answered_by_both = theirs > 0 and stack.log("worker").count("chunk_answered") > ours_before
        assert rounds < 20, "one of them never got a chunk"
    submitted = [job(rounds + number) for number in range(3)]
    wait_until(lambda: any(stack.jobs.job(job_id).answered for job_id in submitted), 60, "work to begin")
    os.killpg(earlier_worker.pid, signal.SIGKILL)
    for job_id in submitted:
        assert len(stack.results(job_id, timeout_s=180)) == 130
