"""Files in, a durable job out: the one way in for page and API alike. Nothing is decoded here.

Batch by batch: take the patient's identity off, hash the bytes, count their need in the ledger, store them; at the end
accept the job and hint its chunks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from cxr.errors import CxrError, NoImages
from cxr.schemas import Job, QueueName
from cxr.telemetry import logger, stage
from cxr.telemetry.traces import continued, span
from gateway.contents import Contents, Film
from gateway.intake import Taken, add_to_job, hint, submit, take_in
from gateway.parts import Parts
from gateway.spool import Upload

BATCH_IMAGES, BATCH_BYTES = 64, 32 * 1024**2
# A zip of raw DICOM unpacks to a few times its size; past this multiple of the request limit nothing more is stored.
MAX_UNPACKED_REQUESTS = 4
STORING_THREADS = 8  # each waits for the disk most of the time

log = logger("gateway.uploads")


@continued()
@span("accept")
def accept(uploads: Sequence[Upload], parts: Parts) -> Job:
    """Make a durable job of these files and return it; from then on every image will be answered.

    It belongs to the caller of ``parts``.

    Raises:
        NoImages, TooManyImages, CorruptArchive (of a lone archive): nothing was stored.
        QueueFull, QuotaExceeded, RateExceeded, LedgerUnavailable, BlobsUnavailable: nothing was kept.
    """
    settings = parts.settings
    with Contents(uploads, settings.max_file_bytes, settings.max_images_per_job) as contents:
        total = len(contents)
        if total == 0:
            raise NoImages
        queue = QueueName.INTERACTIVE if total <= settings.interactive_max_images else QueueName.BATCH
        job_id = parts.jobs.create(queue, parts.caller.owner)
        try:
            with ThreadPoolExecutor(STORING_THREADS, thread_name_prefix="store") as storing:
                for batch in _batches(contents.films(MAX_UNPACKED_REQUESTS * settings.max_request_bytes)):
                    with stage("store", images=len(batch.films)):
                        add_to_job(job_id, batch.films, parts, storing.map)
            with stage("submit", job_id=job_id, images=total):
                chunks = submit(job_id, parts)
        except BaseException:
            _forget(job_id, parts)
            raise
    job = parts.jobs.job(job_id)
    hint(job, chunks, parts)
    return job


@dataclass
class _Batch:
    """Films that go to the ledger and to the store together."""

    films: list[Taken] = field(default_factory=list)
    size_bytes: int = 0

    def add(self, film: Film) -> None:
        taken = take_in(film)
        self.films.append(taken)
        self.size_bytes += len(taken.content or b"")

    @property
    def full(self) -> bool:
        return len(self.films) >= BATCH_IMAGES or self.size_bytes >= BATCH_BYTES


def _batches(films: Iterator[Film]) -> Iterator[_Batch]:
    batch = _Batch()
    for film in films:
        batch.add(film)
        if batch.full:
            yield batch
            batch = _Batch()
    if batch.films:
        yield batch


def _forget(job_id: str, parts: Parts) -> None:
    try:
        parts.custody.forget(job_id, parts.caller.actor, "refused")
    except CxrError as error:  # the reconciler forgets what stayed in reception for an hour
        log.warning("unfinished_job_left", job_id=job_id, code=error.code)
