"""What is done to a job is on the record, and leaves nothing behind."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from cxr.custody import Custody
from cxr.errors import BlobsUnavailable, FilmLost, JobNotFound
from cxr.jobs import AuditLog
from cxr.schemas import QueueName
from tests.files import png
from tests.stack import Stack, wait_until

SENDERS, ROUNDS, SHARED_FILM = 4, 10, b"the same film"


def deeds(stack: Stack, job_id: str) -> list[str]:
    return [entry.action for entry in AuditLog(stack.ledger).entries() if entry.job_id == job_id]


def test_a_jobs_life_is_on_the_record(stack: Stack) -> None:
    with httpx.Client(base_url=stack.gateway_url) as client:
        job_id = client.post("/v1/jobs", files=[("files", ("a film of Jane Doe.png", png()))]).json()["id"]
        wait_until(lambda: stack.jobs.job(job_id).state.final, 30, "the job to be done")
        for _ in range(3):
            client.get(f"/v1/jobs/{job_id}/results")
        client.delete(f"/v1/jobs/{job_id}")
    assert deeds(stack, job_id) == ["submitted", "read", "deleted"]
    assert "Jane" not in str(list(AuditLog(stack.ledger).entries()))


def test_forgetting_a_job_removes_its_bytes(redis_stack: Stack) -> None:
    custody = Custody(redis_stack.jobs, redis_stack.blobs, AuditLog(redis_stack.ledger))
    job_id = redis_stack.submit([png()], QueueName.BATCH)
    sha256 = str(redis_stack.jobs.result(job_id, 0).image.sha256)
    assert redis_stack.blobs.get(sha256) == png()
    custody.forget(job_id, "a test")
    with pytest.raises((BlobsUnavailable, FilmLost)):
        redis_stack.blobs.get(sha256)
    with pytest.raises(JobNotFound):
        custody.forget(job_id, "a test")


def test_bytes_that_no_job_names_are_swept(redis_stack: Stack) -> None:
    """Such as a process leaves that is killed between forgetting a job and removing its bytes."""
    custody = Custody(redis_stack.jobs, redis_stack.blobs, AuditLog(redis_stack.ledger))
    job_id = redis_stack.submit([png()])
    needed = str(redis_stack.jobs.result(job_id, 0).image.sha256)
    custody.adopt()  # other tests empty the ledger
    custody.sweep(older_than_s=0)  # and leave films
    orphan = redis_stack.blobs.put(b"nobody's")
    assert custody.sweep() == 0  # an upload may be about to name them
    assert custody.sweep(older_than_s=0) == 1
    assert redis_stack.blobs.get(needed) == png()
    with pytest.raises(FilmLost):
        redis_stack.blobs.get(orphan)
    custody.forget(job_id, "a test")


def test_bytes_of_an_accepted_job_are_there_however_often_others_forget_theirs(redis_stack: Stack) -> None:
    """Several owners send the same film and forget it again, all at once: no removal may take another's bytes."""
    custody = Custody(redis_stack.jobs, redis_stack.blobs, AuditLog(redis_stack.ledger))

    def send_read_and_forget(_: int) -> None:
        for _ in range(ROUNDS):
            job_id = redis_stack.submit([SHARED_FILM], QueueName.BATCH)
            sha256 = str(redis_stack.jobs.result(job_id, 0).image.sha256)
            wait_until(lambda sha256=sha256: _has(redis_stack, sha256), 5, "bytes that are being moved back")
            custody.forget(job_id, "a test")

    with ThreadPoolExecutor(SENDERS) as senders:
        list(senders.map(send_read_and_forget, range(SENDERS)))
    with pytest.raises((BlobsUnavailable, FilmLost)):
        redis_stack.blobs.get(hashlib.sha256(SHARED_FILM).hexdigest())


def _has(stack: Stack, sha256: str) -> bool:
    try:
        return stack.blobs.get(sha256) == SHARED_FILM
    except BlobsUnavailable:
        return False


def test_what_is_past_its_retention_goes_by_itself(tmp_path: Path) -> None:
    stack = Stack(tmp_path, CXR_RETENTION_S="1")
    try:
        stack.start("redis", "worker")
        job_id = stack.submit([])
        wait_until(lambda: job_id not in [job.id for job in stack.jobs.recent()], 30, "the job to expire")
        assert deeds(stack, job_id) == ["expired"]
    finally:
        stack.close()
