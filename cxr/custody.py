"""Chain of custody: what is done to a job is done on the record, and a job leaves together with its image bytes."""

from __future__ import annotations

from cxr.blobs import BlobStore
from cxr.jobs import AuditLog, JobStore
from cxr.schemas import Job

ABANDONED_S = 3600  # no single file takes that long to write: its process was killed
READ_AGAIN_S = 3600  # a page that follows a job reads it twice a second; one entry an hour says as much


class Custody:
    """Every method raises ``JobNotFound``, and ``LedgerUnavailable`` when it cannot be put on the record."""

    def __init__(self, jobs: JobStore, blobs: BlobStore, audit: AuditLog) -> None:
        self._jobs, self._blobs, self._audit = jobs, blobs, audit

    def submitted(self, job: Job, actor: str) -> None:
        """Put on the record that this job was accepted from ``actor``."""
        self._audit.add(actor, "submitted", job.id, job.total)

    def read(self, job_id: str, actor: str) -> None:
        """Put on the record that ``actor`` reads findings of this job, at most once an hour."""
        self._audit.add_once(actor, "read", job_id, within_s=READ_AGAIN_S)

    def cancel(self, job_id: str, actor: str) -> Job:
        """Stop a job within the chunk in hand; the answers it has stay."""
        job = self._jobs.job(job_id)
        self._audit.add(actor, "cancelled", job_id, job.total)
        return self._jobs.cancel(job_id)

    def forget(self, job_id: str, actor: str, action: str = "deleted") -> None:
        """Delete a job, finished or not, its answers, and the bytes that only it needed."""
        job = self._jobs.job(job_id)
        self._audit.add(actor, action, job_id, job.total)
        for sha256 in self._jobs.delete(job_id):
            self._blobs.discard(sha256, self._jobs.needs_blob)

    def tidy(self) -> None:
        """Remove image bytes that a killed process left half written or half removed. Raises ``BlobsUnavailable``."""
        self._blobs.tidy(self._jobs.needs_blob, ABANDONED_S)
