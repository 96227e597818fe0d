"""What is done to a job is on the record, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from cxr.custody import Custody
from cxr.errors import BlobsUnavailable, JobNotFound
from cxr.jobs import AuditLog
from cxr.schemas import QueueName
from tests.files import png
from tests.stack import Stack, wait_until


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
    with pytest.raises(BlobsUnavailable):
        redis_stack.blobs.get(sha256)
    with pytest.raises(JobNotFound):
        custody.forget(job_id, "a test")


def test_what_is_past_its_retention_goes_by_itself(tmp_path: Path) -> None:
    stack = Stack(tmp_path, CXR_RETENTION_S="1")
    try:
        stack.start("redis", "worker")
        job_id = stack.submit([])
        wait_until(lambda: job_id not in [job.id for job in stack.jobs.recent()], 30, "the job to expire")
        assert deeds(stack, job_id) == ["expired"]
    finally:
        stack.close()
