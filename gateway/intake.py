"""Films on their way into a job: what may be kept of them is told here, for every door. Nothing is decoded.

A need counted in the ledger before the bytes are stored keeps another job's deletion from removing them in between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from cxr.blobs import BlobStore
from cxr.dicom import looks_like_dicom
from cxr.dicom.admission import admit
from cxr.errors import CxrError, ImageRejected, Unavailable
from cxr.imaging import DEFAULT_LIMITS
from cxr.schemas import Chunk, InstanceReference, Job, JobImage, Rejection
from cxr.telemetry import logger, stage
from gateway.contents import Film
from gateway.names import shown_name
from gateway.parts import Parts

log = logger("gateway.intake")

Stores = Callable[[Callable[["Taken"], None], Iterable["Taken"]], Iterable[None]]  # such as ``map``


@dataclass(frozen=True)
class Taken:
    """A film as it goes into its job: its row, and either its bytes without the patient's identity or its refusal."""

    image: JobImage
    content: bytes | None = None
    refusal: CxrError | None = None
    reference: InstanceReference | None = None

    @property
    def row(self) -> tuple[JobImage, Rejection | None]:
        return self.image, Rejection.of(self.refusal) if self.refusal else None


def take_in(film: Film, max_file_bytes: int) -> Taken:
    """Of a DICOM file only pixels and what displays them are kept; of one refused by what it says, nothing.

    One that is deflated is refused where it inflates to more than ``max_file_bytes``.
    """
    if isinstance(film.content, CxrError):
        return Taken(_image(film, film.sent_sha256, film.size_bytes), refusal=film.content)
    sent_sha256 = _sha256(film.content)
    if not looks_like_dicom(film.content):
        return Taken(_image(film, sent_sha256, len(film.content), sha256=sent_sha256), film.content)
    try:
        admission = admit(film.content, DEFAULT_LIMITS.max_pixels, max_file_bytes)
    except ImageRejected as refusal:
        return Taken(_image(film, sent_sha256, len(film.content)), refusal=refusal)
    kept = {
        "sha256": _sha256(admission.content),
        "size_bytes": len(admission.content),
        "notes": admission.notes,
    }
    image = _image(film, sent_sha256, len(film.content), **kept)
    return Taken(image, admission.content, reference=admission.reference)


def add_to_job(job_id: str, films: Sequence[Taken], parts: Parts, stores: Stores = map) -> None:
    """Make films part of a job that is being received: durable when this returns.

    Raises ``QueueFull``, ``QuotaExceeded``, ``JobNotFound`` (it is not being received any more), ``LedgerUnavailable``,
    ``BlobsUnavailable``.
    """
    first = parts.jobs.append(job_id, [film.row for film in films]) - len(films)
    list(stores(partial(store, parts.blobs), films))
    references = {first + place: film.reference for place, film in enumerate(films) if film.reference}
    parts.references.put(job_id, references)


def store(blobs: BlobStore, film: Taken) -> None:
    """Make a film's bytes durable, if it has any that are kept. Raises ``BlobsUnavailable``."""
    if film.content is not None:
        blobs.put(film.content, film.image.sha256)


def submit(job_id: str, parts: Parts) -> list[Chunk]:
    """Accept a job whose films are all in, on the record. Raises ``JobNotFound``, ``LedgerUnavailable``."""
    parts.custody.submitted(parts.jobs.job(job_id), parts.caller.actor)
    return parts.jobs.submit(job_id)


def hint(job: Job, chunks: Sequence[Chunk], parts: Parts) -> None:
    """Tell the workers about an accepted job; what cannot be said now, the reconciler says later."""
    try:
        with stage("enqueue", job_id=job.id, chunks=len(chunks)):
            parts.queue.enqueue(job.queue, chunks)
    except Unavailable as error:
        log.warning("hint_not_sent", job_id=job.id, code=error.code)
    log.info("job_accepted", job_id=job.id, images=job.total, queue=job.queue.value)


def _image(film: Film, sent_sha256: str | None, sent_size_bytes: int, **kept: Any) -> JobImage:
    """A film's row: what was sent, and with ``kept`` what is kept of it."""
    return JobImage(
        **{"name": shown_name(film.name), "sha256": None, "size_bytes": sent_size_bytes, **kept},
        sent_sha256=sent_sha256,
        sent_size_bytes=None if sent_sha256 is None else sent_size_bytes,
    )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
