"""The gateway's side of the ledger: jobs come in, are looked at, and are forgotten."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, cast

from cxr.errors import ImageNotFound, JobNotFound, QueueFull, QuotaExceeded
from cxr.jobs.audit import Entry, as_arguments
from cxr.jobs.backlog import Backlog
from cxr.jobs.identity import new_job_id
from cxr.jobs.ledger import (
    ANSWERED_PREFIX,
    AUDIT,
    EXPIRING,
    INSTALLATION,
    JOBS,
    LOAD_PREFIX,
    NEEDS,
    SET_ASIDE,
    Ledger,
    from_ms,
    hints_key,
    job_key,
    owned_key,
    redis_errors,
    waiting_key,
)
from cxr.jobs.listing import Place, places_before
from cxr.jobs.rates import Rate, Rates
from cxr.jobs.sent import image_text, images_of, sent_text
from cxr.schemas import IMAGE_RESULT, Chunk, HintQueue, Job, JobImage, JobResult, JobState, QueueName, Rejection
from cxr.settings import Settings
from cxr.telemetry.intake import JOBS_ACCEPTED, RECEIVED_BYTES, RECEIVED_IMAGES
from cxr.telemetry.refusals import images_refused
from cxr.telemetry.traces import TRACEPARENT, traceparent

RECEPTION_LIMIT_MS = 3600 * 1000  # an upload that stays open longer was abandoned
PAGE = 512
ANYBODY = "anybody"


class JobStore:
    """Every method raises ``LedgerUnavailable`` when Redis is away, and ``JobNotFound`` for an unknown job id."""

    def __init__(self, ledger: Ledger, settings: Settings, owner: str | None = None) -> None:
        self._ledger, self._settings, self._owner = ledger, settings, owner
        self._backlog, self._rates = Backlog(ledger), Rates(ledger)
        self._retention_ms = settings.retention_s * 1000

    def seen_by(self, owner: str | None, max_owner_images: int | None = None) -> JobStore:
        """The same ledger as this owner sees it: another owner's job is unknown there. None sees all.

        ``max_owner_images`` takes the place of the setting for what comes in here.
        """
        changed = {} if max_owner_images is None else {"max_owner_images": max_owner_images}
        return JobStore(self._ledger, self._settings.model_copy(update=changed), owner)

    @property
    def most_waiting(self) -> int:
        """How many images of one owner may wait: a job of more could never come in."""
        return min(self._settings.max_owner_images, self._settings.max_backlog_images)

    # -- a job comes in

    def create(self, queue: QueueName, owner: str = ANYBODY) -> str:
        """Open a job for images; nothing is accepted before ``submit``. Raises ``RateExceeded``."""
        self._rates.count([Rate(f"jobs:{owner}", self._settings.max_owner_jobs_per_minute)])
        job_id, now = new_job_id(), self._ledger.now_ms()
        fields = {"state": JobState.RECEIVING, "queue": queue, "total": 0, "answered": 0, "created_at": now}
        fields[TRACEPARENT] = traceparent()
        with redis_errors():
            pipe = self._ledger.redis.pipeline()
            pipe.hset(job_key(job_id), mapping={"owner": owner, **{key: str(value) for key, value in fields.items()}})
            pipe.zadd(EXPIRING, {job_id: now + RECEPTION_LIMIT_MS})
            pipe.zadd(JOBS, {job_id: now})
            pipe.zadd(owned_key(owner), {job_id: now})
            pipe.execute()
        return job_id

    def append(self, job_id: str, images: Sequence[tuple[JobImage, Rejection | None]]) -> int:
        """Add images; one that comes with a rejection is answered at once. Returns how many the job now has.

        Bytes are stored after this, so that nobody discards them as unneeded, and before ``submit``.

        Raises:
            QueueFull, QuotaExceeded: there is no room for them; the caller deletes the job.
        """
        limits, token = self._settings, secrets.token_hex(8)
        owners_most, owner_load = limits.max_owner_images, self._owner_load(job_id)
        arguments: list[str | int] = [limits.max_backlog_images, limits.max_backlog_bytes, owners_most, token]
        for image, rejection in images:
            answer = rejection.model_dump_json() if rejection else ""
            arguments += [image_text(image), image.sha256 or "", image.size_bytes, answer, sent_text(image)]
        keys = [job_key(job_id), job_key(job_id, "images"), job_key(job_id, "results"), NEEDS, LOAD_PREFIX + "all"]
        outcome = self._ledger.run("append", [*keys, owner_load, job_key(job_id, "sent")], arguments)
        if outcome == -1:
            raise JobNotFound(job_id)
        if outcome == -2:
            standing = self._backlog.standing()
            raise QueueFull(retry_after_s=standing.retry_after_s(standing.images))
        if outcome == -3:
            waiting = self._backlog.waiting_of(owner_load)
            retry_after_s = self._backlog.standing().retry_after_s(waiting, waiting + len(images) - owners_most)
            raise QuotaExceeded(f"at most {owners_most} images", retry_after_s)
        RECEIVED_IMAGES.inc(len(images))
        RECEIVED_BYTES.inc(sum(image.size_bytes for image, _ in images))
        images_refused(Counter(rejection.code for _, rejection in images if rejection))
        return int(outcome)

    def submit(self, job_id: str) -> list[Chunk]:
        """Accept the job: from here on every image will be answered. Returns the chunks to hint to the workers."""
        queue = self.job(job_id).queue
        keys = [job_key(job_id), waiting_key(queue), hints_key(queue), EXPIRING]
        arguments = [job_id, self._settings.chunk_size, self._retention_ms, secrets.token_hex(8)]
        bounds = self._ledger.run("submit", keys, arguments)
        if bounds is None:
            raise JobNotFound(job_id)
        JOBS_ACCEPTED.labels(queue.value).inc()
        return [Chunk(job_id, int(first), int(last)) for first, last in zip(bounds[::2], bounds[1::2], strict=True)]

    # -- a job is looked at

    def job(self, job_id: str) -> Job:
        """Where a job stands."""
        names = ("state", "queue", "total", "answered", "created_at", "finished_at")
        with redis_errors():
            owner, *values = self._ledger.redis.hmget(job_key(job_id), ("owner", *names))
        if values[0] is None or not self._sees(owner):
            raise JobNotFound(job_id)
        fields = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        times = {name: from_ms(str(fields.pop(name))) for name in ("created_at", "finished_at") if name in fields}
        return Job.model_validate({"id": job_id, **fields, **times})

    def recent(self, most: int = 50) -> list[Job]:
        """The newest jobs first."""
        return self.page(most)[0]

    def page(self, most: int, before: Place | None = None) -> tuple[list[Job], Place | None]:
        """Up to ``most`` jobs, newest first, after ``before``; and from where to go on (None at the end)."""
        key = JOBS if self._owner is None else owned_key(self._owner)
        places = places_before(self._ledger, key, before, most)
        jobs = [job for place in places if (job := self._job_or_none(place.job_id))]
        return jobs, places[-1] if len(places) == most else None

    def results(self, job_id: str, start: int = 0, stop: int | None = None) -> Iterator[JobResult]:
        """The rows ``start..stop`` (stop excluded) in order, read page by page; ``result`` is None while one waits."""
        total = self.job(job_id).total
        end = total if stop is None else min(stop, total)
        for first in range(start, end, PAGE):
            indices = range(first, min(first + PAGE, end))
            for index, image, answer in zip(indices, *rows(self._ledger, job_id, indices), strict=True):
                yield JobResult(index=index, image=image, result=IMAGE_RESULT.validate_json(answer) if answer else None)

    def result(self, job_id: str, index: int) -> JobResult:
        """One row. Raises ``ImageNotFound`` for an index the job does not have."""
        for row in self.results(job_id, index, index + 1) if index >= 0 else ():
            return row
        raise ImageNotFound(f"{job_id}, image {index}")

    # -- a job ends

    def cancel(self, job_id: str, entry: Entry | None = None) -> Job:
        """Stop a job within the chunk in hand; the answers it has stay. A final job stays as it is.

        With ``entry``, the stop is on the record as soon as it is done, also when Redis has no memory left.
        """
        keys = [job_key(job_id), job_key(job_id, "attempts"), EXPIRING, LOAD_PREFIX + "all", self._owner_load(job_id)]
        arguments = [job_id, self._retention_ms, *as_arguments(entry)]
        if self._ledger.run("cancel", [*keys, AUDIT], arguments) is None:
            raise JobNotFound(job_id)
        return self.job(job_id)

    def delete(self, job_id: str, entry: Entry | None = None) -> list[str]:
        """Forget a job, finished or not. Returns the SHA-256 of the blobs that no job needs any more.

        With ``entry``, that is on the record as soon as it is done, also when Redis has no memory left.
        """
        parts = [job_key(job_id, part) for part in ("images", "results", "attempts")]
        keys = [job_key(job_id), *parts, EXPIRING, NEEDS, JOBS, SET_ASIDE, job_key(job_id, "references")]
        keys += [owned_key(self._owner_of(job_id)), AUDIT]
        unneeded: Any = 0
        while unneeded == 0:  # again when an operator's retry came in between
            self.cancel(job_id)
            unneeded = self._ledger.run("delete", keys, [job_id, ANSWERED_PREFIX, *as_arguments(entry)])
        # It was there a moment ago: gone by another's hand, or by this call's first sending, whose reply was lost.
        return [str(sha256) for sha256 in unneeded or ()]

    def expired(self) -> list[str]:
        """Jobs whose retention has ended, and uploads that were never finished."""
        now = self._ledger.now_ms()
        with redis_errors():
            return [str(job_id) for job_id in self._ledger.redis.zrangebyscore(EXPIRING, "-inf", now)]

    def unneeded(self, hashes: Sequence[str]) -> list[str]:
        """Those of these blobs that no job names."""
        if not hashes:
            return []
        with redis_errors():
            counts = self._ledger.redis.hmget(NEEDS, list(hashes))
        return [sha256 for sha256, count in zip(hashes, counts, strict=True) if count is None]

    def installation(self) -> str | None:
        """The id of the installation whose ledger this is; None when it was given none."""
        with redis_errors():
            return cast("str | None", self._ledger.redis.get(INSTALLATION))

    def belong_to(self, installation: str) -> str:
        """Keep this id, unless there is one; the id that is kept."""
        with redis_errors():
            self._ledger.redis.set(INSTALLATION, installation, nx=True)
        return self.installation() or installation

    # -- images that were set aside

    def set_aside(self) -> list[tuple[str, int]]:
        """Job id and index of every image that was set aside as poison."""
        with redis_errors():
            members = sorted(str(member) for member in self._ledger.redis.smembers(SET_ASIDE))
        return [(job_id, int(index)) for job_id, index in (member.rsplit("/", 1) for member in members)]

    def retry(self, job_id: str, index: int, entry: Entry | None = None) -> bool:
        """Let a set-aside image be tried again; False when it was not set aside. The reconciler hints it.

        With ``entry``, that is on the record as soon as it is done.
        """
        queue = HintQueue(self.job(job_id).queue).again
        keys = [job_key(job_id), job_key(job_id, "results"), waiting_key(queue), hints_key(queue), EXPIRING]
        loads = [LOAD_PREFIX + "all", self._owner_load(job_id)]
        arguments = [job_id, index, secrets.token_hex(8), *as_arguments(entry)]
        return bool(self._ledger.run("retry", [*keys, *loads, SET_ASIDE, AUDIT], arguments))

    def _job_or_none(self, job_id: str) -> Job | None:
        try:
            return self.job(job_id)
        except JobNotFound:
            return None

    def _owner_load(self, job_id: str) -> str:
        return LOAD_PREFIX + "owner:" + self._owner_of(job_id)

    def _owner_of(self, job_id: str) -> str:
        with redis_errors():
            owner = self._ledger.redis.hget(job_key(job_id), "owner")
        if owner is not None and not self._sees(owner):
            raise JobNotFound(job_id)
        return str(owner or ANYBODY)

    def _sees(self, owner: object) -> bool:
        return self._owner is None or owner == self._owner


def rows(ledger: Ledger, job_id: str, indices: range) -> tuple[list[JobImage], list[str | None]]:
    """The images of a job and their answers as JSON, for neighbouring indices."""
    with redis_errors():
        pipe = ledger.redis.pipeline(transaction=False)
        pipe.lrange(job_key(job_id, "images"), indices.start, indices.stop - 1)
        pipe.lrange(job_key(job_id, "sent"), indices.start, indices.stop - 1)
        pipe.hmget(job_key(job_id, "results"), [str(index) for index in indices])
        images, sent, answers = pipe.execute()
    if len(images) != len(indices):
        raise JobNotFound(job_id)
    return images_of(images, sent), answers
