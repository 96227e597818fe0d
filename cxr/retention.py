"""Forgetting: a job leaves the ledger together with the image bytes that only it needed."""

from __future__ import annotations

from cxr.blobs import BlobStore
from cxr.jobs import JobStore


def forget_job(job_id: str, jobs: JobStore, blobs: BlobStore) -> None:
    """Delete a job, finished or not. Raises ``JobNotFound`` when there is none."""
    for sha256 in jobs.delete(job_id):
        blobs.discard(sha256, jobs.needs_blob)
