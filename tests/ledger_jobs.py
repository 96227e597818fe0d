"""Jobs for tests of the ledger."""

from __future__ import annotations

import hashlib

from cxr.errors import EmptyFile
from cxr.jobs import JobStore, Lease, Ledger
from cxr.jobs.ledger import HELD, lease_key
from cxr.schemas import Chunk, JobImage, QueueName, Rejection

ANSWER = Rejection.of(EmptyFile())


def image(number: int) -> JobImage:
    return JobImage(name=f"film-{number}.png", sha256=f"{number:064x}", size_bytes=10)


def image_of(content: bytes) -> JobImage:
    return JobImage(name="film", sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


def submitted(jobs: JobStore, images: int, queue: QueueName = QueueName.BATCH) -> tuple[str, list[Chunk]]:
    job_id = jobs.create(queue)
    jobs.append(job_id, [(image(number), None) for number in range(images)])
    return job_id, jobs.submit(job_id)


def lease_runs_out(ledger: Ledger, lease: Lease) -> None:
    """What time does, without waiting for it: the lease's key goes, and its end is past."""
    if ledger.redis.get(lease_key(lease.chunk)) == lease.token:
        ledger.redis.delete(lease_key(lease.chunk))
        ledger.redis.zadd(HELD, {str(lease.chunk): 1}, xx=True)
