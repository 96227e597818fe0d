"""Chain of custody: what is done to a job is done on the record, and a job leaves together with its image bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice

from cxr.blobs import BlobStore
from cxr.errors import JobNotFound
from cxr.installation import Installation
from cxr.jobs import AuditLog, JobStore, entry_of
from cxr.schemas import Job

ABANDONED_S = 3600  # no single file takes that long to write: its process was killed
SWEEP_PAGE = 1000
ASIDE_PAGE = 64  # films whose removal is one question to the ledger; an upload of the same bytes may wait for it
RETENTION = "retention"  # the actor of what ends by itself
READ_AGAIN_S = 3600  # a page that follows a job reads it twice a second; one entry an hour says as much


class Custody:
    """Every method raises ``JobNotFound``, and ``LedgerUnavailable`` when it cannot be put on the record."""

    def __init__(self, jobs: JobStore, blobs: BlobStore, audit: AuditLog) -> None:
        self._jobs, self._blobs, self._audit = jobs, blobs, audit
        self._installation = Installation(jobs, blobs)

    def submitted(self, job: Job, actor: str) -> None:
        """Put on the record that this job was accepted from ``actor``."""
        self._audit.add(actor, "submitted", job.id, job.total)

    def read(self, job_id: str, actor: str) -> None:
        """Put on the record that ``actor`` reads findings of this job, at most once an hour."""
        self._jobs.job(job_id)  # what does not exist is not written down
        self._audit.add_once(actor, "read", job_id, within_s=READ_AGAIN_S)

    def pictured(self, job_id: str, index: int, actor: str) -> None:
        """Put on the record that ``actor`` is shown this image, at most once an hour. Raises ``ImageNotFound``."""
        self._jobs.result(job_id, index)
        self._audit.add_once(actor, "picture_read", job_id, within_s=READ_AGAIN_S, about=f"image {index}")

    def cancel(self, job_id: str, actor: str) -> Job:
        """Stop a job within the chunk in hand; the answers it has stay. One that is final is left alone."""
        job = self._jobs.job(job_id)
        return self._jobs.cancel(job_id, entry_of(actor, "cancelled", job_id, job.total))

    def forget(self, job_id: str, actor: str, action: str = "deleted") -> None:
        """Delete a job, finished or not, its answers, and the bytes that only it needed."""
        job = self._jobs.job(job_id)
        for page in batched(self._jobs.delete(job_id, entry_of(actor, action, job_id, job.total)), ASIDE_PAGE):
            self._blobs.discard(page, self._jobs.unneeded)

    def expire(self) -> int:
        """Forget what is past its retention, and uploads that were never finished; returns how many jobs.

        Raises ``OtherInstallation``, as ``sweep`` and ``tidy`` do: nothing is removed from a store that is not ours.
        """
        jobs = self._jobs.expired()
        if jobs:
            self._installation.check()
        for job_id in jobs:
            with suppress(JobNotFound):  # its owner was faster
                self.forget(job_id, RETENTION, "expired")
        return len(jobs)

    def sweep(self, older_than_s: float = ABANDONED_S) -> int:
        """Remove image bytes that no job names although none was told to leave them; returns how many.

        Such are what a process leaves that is killed between forgetting a job and removing its bytes.
        """
        self._installation.check()
        removed = 0
        for page in batched(self.unnamed(older_than_s), ASIDE_PAGE):
            self._blobs.discard(page, self._jobs.unneeded)
            removed += len(page)
        return removed

    def unnamed(self, older_than_s: float = ABANDONED_S) -> Iterator[str]:
        """The SHA-256 of stored image bytes that no job names."""
        for page in batched(self._blobs.stored(older_than_s), SWEEP_PAGE):
            yield from self._jobs.unneeded(page)

    def adopt(self) -> str:
        """Say that ledger and store belong together; the id of their installation."""
        return self._installation.adopt()

    def tidy(self, older_than_s: float = ABANDONED_S) -> None:
        """Remove image bytes that a killed process left half written or half removed. Raises ``BlobsUnavailable``."""
        self._installation.check()
        self._blobs.tidy(self._jobs.unneeded, older_than_s)


def batched(hashes: Iterable[str], most: int) -> Iterator[list[str]]:
    """Neighbours together, ``most`` at a time."""
    left = iter(hashes)
    while page := list(islice(left, most)):
        yield page
