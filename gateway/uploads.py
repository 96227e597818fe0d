"""Files in, a durable job out: the one way in for page and API alike. Nothing is decoded here.

Batch by batch: take the patient's identity off, hash the bytes, count their need in the ledger, store them; at the end
accept the job and hint its chunks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from cxr.errors import CxrError, IdempotencyKeyReused, JobNotFound, NoImages, TooManyImages
from cxr.schemas import Chunk, Job, JobState, QueueName
from cxr.telemetry import logger, stage
from cxr.telemetry.traces import continued, span
from gateway.contents import Contents, Film, without_room
from gateway.idempotency import Once
from gateway.intake import Taken, add_to_job, hint, submit, take_in
from gateway.parts import Parts
from gateway.spool import Upload

BATCH_IMAGES, BATCH_BYTES = 64, 32 * 1024**2
# A zip of raw DICOM unpacks to a few times its size, a deflated file inflates; past this multiple of the request limit
# nothing more is inflated or stored.
MAX_UNPACKED_REQUESTS = 4
STORING_THREADS = 4  # each waits for the disk most of the time

log = logger("gateway.uploads")


class Source(Protocol):
    """Where a job's films come from: how many there are, and they themselves, one by one."""

    def __len__(self) -> int: ...

    def films(self, max_total_bytes: int) -> Iterator[Film]: ...


def accept(uploads: Sequence[Upload], parts: Parts, once: Once | None = None) -> Job:
    """Make a durable job of these files and return it; from then on every image will be answered.

    It belongs to the caller of ``parts``. What was sent ``once`` before gives the same job again.

    Raises:
        NoImages, TooManyImages, CorruptArchive (of a lone archive), IdempotencyKeyReused: nothing was stored.
        QueueFull, QuotaExceeded, RateExceeded, LedgerUnavailable, BlobsUnavailable: nothing was kept.
    """
    if known := accepted_before(once, parts):
        return known
    with Contents(uploads, parts.settings.max_file_bytes, parts.settings.max_images_per_job) as contents:
        return accept_from(contents, parts, once)


def accepted_before(once: Once | None, parts: Parts) -> Job | None:
    """The job that an earlier request made of what is sent ``once``. Raises ``IdempotencyKeyReused``."""
    known = once.job_of(parts) if once else None
    return _hinted(known, _submit(known, parts), parts) if known else None


@continued()
@span("accept")
def accept_from(source: Source, parts: Parts, once: Once | None = None) -> Job:
    """The same of films from anywhere."""
    settings = parts.settings
    total = len(source)
    if total == 0:
        raise NoImages
    if total > (most := parts.jobs.most_waiting):
        raise TooManyImages(f"you may have at most {most} images waiting")
    queue = QueueName.INTERACTIVE if total <= settings.interactive_max_images else QueueName.BATCH
    job_id = parts.jobs.create(queue, parts.caller.owner)
    try:
        with ThreadPoolExecutor(STORING_THREADS, thread_name_prefix="store") as storing:
            most_bytes = MAX_UNPACKED_REQUESTS * settings.max_request_bytes
            for batch in _batches(_taken(source.films(most_bytes), settings.max_file_bytes, most_bytes)):
                with stage("store", images=len(batch.films)):
                    add_to_job(job_id, batch.films, parts, storing.map)
        chunks = None if once else _submit(job_id, parts)
    except BaseException:
        _forget(job_id, parts)
        raise
    return _accepted_once(job_id, once, parts) if once else _hinted(job_id, chunks, parts)


def _accepted_once(job_id: str, once: Once, parts: Parts) -> Job:
    """This job, or the one of another request that came with the same key at the same time and was first.

    Once it may be bound it is not forgotten here, whatever fails: another request may have been answered with it.
    The next request with its key submits it; where none comes, it ends with its time of reception.
    """
    try:
        bound = once.bind(job_id, parts)
    except IdempotencyKeyReused:
        _forget(job_id, parts)
        raise
    if bound != job_id:
        _forget(job_id, parts)
    return _hinted(bound, _submit(bound, parts), parts)


def _submit(job_id: str, parts: Parts) -> list[Chunk] | None:
    """Accept a job of which everything is durable; None when it was accepted before."""
    job = parts.jobs.job(job_id)
    if job.state is not JobState.RECEIVING:
        return None
    try:
        with stage("submit", job_id=job_id, images=job.total):
            return submit(job_id, parts)
    except JobNotFound:  # another request with its idempotency key was faster, or the job is gone
        parts.jobs.job(job_id)
        return None


def _hinted(job_id: str, chunks: Sequence[Chunk] | None, parts: Parts) -> Job:
    job = parts.jobs.job(job_id)
    if chunks is not None:
        hint(job, chunks, parts)
    return job


@dataclass
class _Batch:
    """Films that go to the ledger and to the store together."""

    films: list[Taken] = field(default_factory=list)
    size_bytes: int = 0

    def add(self, film: Taken) -> None:
        self.films.append(film)
        self.size_bytes += len(film.content or b"")

    @property
    def full(self) -> bool:
        return len(self.films) >= BATCH_IMAGES or self.size_bytes >= BATCH_BYTES


def _taken(films: Iterator[Film], max_file_bytes: int, max_total_bytes: int) -> Iterator[Taken]:
    """These films without identities; from where more than ``max_total_bytes`` of them would be kept, refused."""
    left = max_total_bytes
    for film in films:
        if left >= 0:
            taken = take_in(film, max_file_bytes)
            left -= len(taken.content or b"")
        if left < 0:
            taken = take_in(without_room(film, max_total_bytes), max_file_bytes)
        yield taken


def _batches(films: Iterator[Taken]) -> Iterator[_Batch]:
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
