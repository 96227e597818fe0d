"""The ledger: every job's state, images and answers in Redis, each transition one atomic script of ``cxr/ledger/``.

    receiving --submit--> queued --claim--> running --record (last image)--> done

The ledger is the truth; a Celery message is only a hint that a chunk is waiting. Image bytes are never in Redis.
Needs one Redis primary (Sentinel is fine, Cluster is not: a script touches keys of several slots).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import redis
from pydantic import TypeAdapter

from cxr.errors import ImageNotFound, JobNotFound, LedgerUnavailable
from cxr.schemas import Chunk, ImageResult, Job, JobImage, JobResult, JobState, Prediction, QueueName, Rejection

PREFIX = "cxr:job:"
HELD, EXPIRING, NEEDS, RECONCILER = "cxr:held", "cxr:expiring", "cxr:blob_needs", "cxr:reconciler"
SCRIPTS = ("append", "submit", "claim", "renew", "release", "record", "overdue", "delete")
RECEPTION_LIMIT_MS = 3600 * 1000  # an upload that stays open longer was abandoned
PAGE = 512

_result: TypeAdapter[Prediction | Rejection] = TypeAdapter(ImageResult)


@dataclass(frozen=True)
class Lease:
    """A claimed chunk: its unanswered images, held under ``token`` until the lease runs out or is given back."""

    chunk: Chunk
    token: str
    waiting: dict[int, JobImage]


@dataclass(frozen=True)
class OverdueChunk:
    """A chunk nobody is working on; ``stops`` counts the workers that claimed it and fell silent."""

    queue: QueueName
    chunk: Chunk
    stops: int


class JobStore:
    """Every method raises ``LedgerUnavailable`` when Redis is away, and ``JobNotFound`` for an unknown job id."""

    def __init__(self, redis_url: str, *, lease_s: float, retention_s: int, chunk_size: int) -> None:
        self._redis: redis.Redis = redis.Redis.from_url(redis_url, decode_responses=True, socket_timeout=10)
        self._lease_ms, self._retention_ms, self._chunk_size = int(lease_s * 1000), retention_s * 1000, chunk_size
        folder = resources.files("cxr") / "ledger"
        self._scripts = {name: self._redis.register_script((folder / f"{name}.lua").read_text()) for name in SCRIPTS}

    # -- the gateway's side

    def create(self, queue: QueueName) -> str:
        """Open a job for images; nothing is accepted before ``submit``."""
        job_id = secrets.token_urlsafe(16)
        now = _now_ms()
        fields = {"state": JobState.RECEIVING, "queue": queue, "total": 0, "answered": 0, "created_at": now}
        with _redis_errors():
            pipe = self._redis.pipeline()
            pipe.hset(PREFIX + job_id, mapping={key: str(value) for key, value in fields.items()})
            pipe.zadd(EXPIRING, {job_id: now + RECEPTION_LIMIT_MS})
            pipe.execute()
        return job_id

    def append(self, job_id: str, images: Sequence[tuple[JobImage, Rejection | None]]) -> None:
        """Add images; one that comes with a rejection is answered at once.

        Bytes are stored after this, so that nobody discards them as unneeded, and before ``submit``.
        """
        arguments: list[str] = []
        for image, rejection in images:
            arguments += [image.model_dump_json(), image.sha256 or "", rejection.model_dump_json() if rejection else ""]
        keys = [*self._keys(job_id, "", ":images", ":results"), NEEDS]
        if self._run("append", keys, arguments) == -1:
            raise JobNotFound(job_id)

    def submit(self, job_id: str) -> list[Chunk]:
        """Accept the job: from here on every image will be answered. Returns the chunks to hint to the workers."""
        waiting = _waiting(self.job(job_id).queue)
        arguments = [job_id, self._chunk_size, self._retention_ms]
        bounds = self._run("submit", [PREFIX + job_id, waiting, EXPIRING], arguments)
        if bounds is None:
            raise JobNotFound(job_id)
        return [Chunk(job_id, int(first), int(last)) for first, last in zip(bounds[::2], bounds[1::2], strict=True)]

    def job(self, job_id: str) -> Job:
        """Where a job stands."""
        with _redis_errors():
            fields: dict[str, Any] = {str(key): value for key, value in self._redis.hgetall(PREFIX + job_id).items()}
        if not fields:
            raise JobNotFound(job_id)
        times = {name: _from_ms(fields.pop(name)) for name in ("created_at", "finished_at") if name in fields}
        return Job.model_validate({"id": job_id, **fields, **times})

    def results(self, job_id: str, start: int = 0, stop: int | None = None) -> Iterator[JobResult]:
        """The rows ``start..stop`` (stop excluded) in order, read page by page; ``result`` is None while one waits."""
        total = self.job(job_id).total
        end = total if stop is None else min(stop, total)
        for first in range(start, end, PAGE):
            indices = range(first, min(first + PAGE, end))
            for index, image, answer in zip(indices, *self._rows(job_id, indices), strict=True):
                parsed = _result.validate_json(answer) if answer else None
                yield JobResult(index=index, image=JobImage.model_validate_json(image), result=parsed)

    def result(self, job_id: str, index: int) -> JobResult:
        """One row. Raises ``ImageNotFound`` for an index the job does not have."""
        for row in self.results(job_id, index, index + 1) if index >= 0 else ():
            return row
        raise ImageNotFound(f"{job_id}, image {index}")

    def delete(self, job_id: str) -> list[str]:
        """Forget a job, finished or not. Returns the SHA-256 of the blobs that no job needs any more."""
        keys = [*self._keys(job_id, "", ":images", ":results", ":attempts"), EXPIRING, NEEDS]
        unneeded = self._run("delete", keys, [job_id])
        if unneeded is None:
            raise JobNotFound(job_id)
        return [str(sha256) for sha256 in unneeded]

    def needs_blob(self, sha256: str) -> bool:
        """Whether any job still names these bytes."""
        with _redis_errors():
            return bool(self._redis.hexists(NEEDS, sha256))

    # -- the worker's side

    def claim(self, chunk: Chunk) -> Lease | None:
        """Take a chunk; None when it is finished, held by another worker, or its job is gone."""
        token = secrets.token_hex(8)
        unanswered = self._run(
            "claim", self._chunk_keys(chunk), [str(chunk), chunk.first, chunk.last, token, self._lease_ms]
        )
        if unanswered is None:
            return None
        images, _ = self._rows(chunk.job_id, range(chunk.first, chunk.last + 1))
        waiting = {int(index): JobImage.model_validate_json(images[int(index) - chunk.first]) for index in unanswered}
        return Lease(chunk, token, waiting)

    def renew(self, lease: Lease) -> bool:
        """Lengthen a lease by its full time; False when it was lost."""
        return bool(self._run("renew", [HELD, _lease(lease.chunk)], [str(lease.chunk), lease.token, self._lease_ms]))

    def release(self, lease: Lease, pause_s: float) -> None:
        """Give a chunk back unanswered; it is hinted again after ``pause_s`` and has cost no attempt."""
        keys = [HELD, _lease(lease.chunk), PREFIX + lease.chunk.job_id + ":attempts"]
        self._run("release", keys, [str(lease.chunk), lease.token, int(pause_s * 1000)])

    def record(self, chunk: Chunk, results: dict[int, Prediction | Rejection], token: str = "") -> int:
        """Write the answers of a chunk's waiting images and finish it; returns how many of them were new."""
        arguments: list[Any] = [chunk.job_id, str(chunk), token, self._retention_ms]
        for index, result in results.items():
            arguments += [index, result.model_dump_json()]
        return int(self._run("record", [*self._chunk_keys(chunk), EXPIRING], arguments))

    # -- the reconciler's side

    def overdue(self, grace_s: float, most: int = 1000) -> list[OverdueChunk]:
        """Chunks that need a new message: their worker fell silent, their pause is over, or their message was lost.

        A message counts as lost when the chunk has waited ``grace_s`` and the broker's queue is empty.
        """
        queues = [queue.value for queue in QueueName]
        keys = [HELD, *(key for queue in QueueName for key in (queue.value, _waiting(queue)))]
        found = iter(self._run("overdue", keys, [int(grace_s * 1000), most, PREFIX, *queues]))
        return [
            OverdueChunk(QueueName(q), Chunk.parse(c), int(stops))
            for q, c, stops in zip(found, found, found, strict=True)
        ]

    def expired(self) -> list[str]:
        """Jobs whose retention has ended, and uploads that were never finished."""
        with _redis_errors():
            return [str(job_id) for job_id in self._redis.zrangebyscore(EXPIRING, "-inf", _now_ms())]

    def take_reconciler_turn(self, turn_s: float) -> bool:
        """True for one caller in each ``turn_s``."""
        with _redis_errors():
            return bool(self._redis.set(RECONCILER, "1", nx=True, px=int(turn_s * 1000)))

    def ping(self) -> None:
        """Raise ``LedgerUnavailable`` unless Redis answers."""
        with _redis_errors():
            self._redis.ping()

    # -- inside

    def _rows(self, job_id: str, indices: range) -> tuple[list[str], list[str | None]]:
        images, results = self._keys(job_id, ":images", ":results")
        with _redis_errors():
            pipe = self._redis.pipeline(transaction=False)
            pipe.lrange(images, indices.start, indices.stop - 1)
            pipe.hmget(results, [str(index) for index in indices])
            rows: tuple[list[str], list[str | None]] = tuple(pipe.execute())
        if len(rows[0]) != len(indices):
            raise JobNotFound(job_id)
        return rows

    def _run(self, script: str, keys: list[str], arguments: Sequence[Any]) -> Any:
        with _redis_errors():
            return self._scripts[script](keys=keys, args=list(arguments))

    def _chunk_keys(self, chunk: Chunk) -> list[str]:
        job, results, attempts = self._keys(chunk.job_id, "", ":results", ":attempts")
        return [job, results, _waiting(self._queue_of(chunk.job_id)), HELD, _lease(chunk), attempts]

    def _queue_of(self, job_id: str) -> QueueName:
        with _redis_errors():
            queue = self._redis.hget(PREFIX + job_id, "queue")
        return QueueName(str(queue)) if queue else QueueName.BATCH  # the script then finds no job

    @staticmethod
    def _keys(job_id: str, *suffixes: str) -> list[str]:
        return [PREFIX + job_id + suffix for suffix in suffixes]


@contextmanager
def _redis_errors() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise LedgerUnavailable(type(error).__name__) from error


def _lease(chunk: Chunk) -> str:
    return f"cxr:lease:{chunk}"


def _waiting(queue: QueueName) -> str:
    return f"cxr:waiting:{queue.value}"


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def _from_ms(text: str) -> datetime:
    return datetime.fromtimestamp(int(text) / 1000, UTC)
