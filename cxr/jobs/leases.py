"""The worker's side of the ledger: chunks are claimed, kept, given back or answered."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cxr.jobs.backlog import DRAIN_KEPT_S, STRETCH_S
from cxr.jobs.ledger import (
    ANSWERED_PREFIX,
    DRAINED_PREFIX,
    EXPIRING,
    HELD,
    JOB_PREFIX,
    LOAD_PREFIX,
    NEEDS,
    RECONCILER,
    REMOVER,
    SET_ASIDE,
    WORKED_PREFIX,
    WORKED_SINCE,
    Ledger,
    hints_key,
    job_key,
    lease_key,
    redis_errors,
    waiting_key,
)
from cxr.jobs.store import ANYBODY, rows
from cxr.schemas import IMAGE_RESULT, Chunk, HintQueue, JobImage, ModelIdentity, Prediction, QueueName, Rejection
from cxr.settings import Settings


@dataclass(frozen=True)
class Lease:
    """A claimed chunk: its unanswered images, held under ``token`` until the lease runs out or is given back."""

    chunk: Chunk
    queue: QueueName
    token: str
    waiting: dict[int, JobImage]


@dataclass(frozen=True)
class OverdueChunk:
    """A chunk nobody is working on, where to hint it, and how many workers claimed it and fell silent (``stops``).

    ``put_off``: that is not why it is to be hinted now; its pause is over, or its message was lost.
    """

    queue: HintQueue
    chunk: Chunk
    stops: int
    put_off: bool


class Leases:
    """Every method raises ``LedgerUnavailable`` when Redis is away."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._lease_ms, self._retention_ms = int(settings.lease_s * 1000), settings.retention_s * 1000

    def claim(self, chunk: Chunk) -> Lease | None:
        """Take a chunk; None when it is finished, held by another worker, or its job is gone or cancelled."""
        token = secrets.token_hex(8)
        queue, _ = self._queue_and_owner(chunk.job_id)
        keys = [
            job_key(chunk.job_id),
            job_key(chunk.job_id, "results"),
            waiting_key(queue),
            hints_key(queue),
            HELD,
            lease_key(chunk),
            job_key(chunk.job_id, "attempts"),
            waiting_key(HintQueue.RECOVERED),
            hints_key(HintQueue.RECOVERED),
            WORKED_SINCE,
        ]
        unanswered = self._ledger.run("claim", keys, [str(chunk), chunk.first, chunk.last, token, self._lease_ms])
        if unanswered is None:
            return None
        images, _ = rows(self._ledger, chunk.job_id, range(chunk.first, chunk.last + 1))
        return Lease(chunk, queue, token, {int(index): images[int(index) - chunk.first] for index in unanswered})

    def stops(self, chunk: Chunk) -> int:
        """How many workers have claimed this chunk and then fallen silent."""
        with redis_errors():
            return int(self._ledger.redis.hget(job_key(chunk.job_id, "attempts"), str(chunk)) or 0)

    def renew(self, lease: Lease, *, blameless: bool = False) -> bool:
        """Lengthen a lease by its full time; False when it was lost.

        ``blameless``: should the worker stop before it says otherwise, the chunk has no part in it.
        """
        keys = [HELD, lease_key(lease.chunk), job_key(lease.chunk.job_id, "attempts")]
        arguments = [str(lease.chunk), lease.token, self._lease_ms, "1" if blameless else ""]
        return bool(self._ledger.run("renew", keys, arguments))

    def release(self, lease: Lease, pause_s: float) -> None:
        """Give a chunk back unanswered; it is hinted again after ``pause_s`` and has cost no attempt."""
        keys = [HELD, lease_key(lease.chunk), job_key(lease.chunk.job_id, "attempts")]
        self._ledger.run("release", keys, [str(lease.chunk), lease.token, int(pause_s * 1000)])

    def record(
        self,
        chunk: Chunk,
        results: dict[int, Prediction | Rejection],
        token: str = "",
        images: dict[int, JobImage] | None = None,
        *,
        sets_aside: bool = False,
    ) -> int:
        """Write the answers of a chunk's waiting images and finish it; returns how many of them were new.

        With ``images``, what a model said of these bytes can be reused (``known_answers``). With ``sets_aside``, images
        whose answer is new are remembered for the operator.
        """
        queue, owner = self._queue_and_owner(chunk.job_id)
        keys = [job_key(chunk.job_id), job_key(chunk.job_id, "results"), waiting_key(queue), HELD, lease_key(chunk)]
        keys += [job_key(chunk.job_id, "attempts"), EXPIRING]
        keys += [LOAD_PREFIX + "all", LOAD_PREFIX + f"owner:{owner}", NEEDS, SET_ASIDE]
        keys += [waiting_key(HintQueue.RECOVERED), WORKED_SINCE]
        arguments: list[Any] = [chunk.job_id, str(chunk), token, self._retention_ms, ANSWERED_PREFIX]
        arguments += ["1" if sets_aside else "", DRAINED_PREFIX, WORKED_PREFIX, STRETCH_S, DRAIN_KEPT_S]
        for index, result in results.items():
            image = images.get(index) if images else None
            reusable = bool(image and image.sha256 and result.model)
            sha256 = image.sha256 if image and reusable else ""
            arguments += [index, result.model_dump_json(), sha256, _field(result.model) if reusable else ""]
        return int(self._ledger.run("record", keys, arguments))

    def known_answers(self, hashes: Iterable[str], model: ModelIdentity) -> dict[str, Prediction | Rejection]:
        """What this very model has said of these bytes in jobs that are still kept, by SHA-256."""
        wanted = list(dict.fromkeys(hashes))
        with redis_errors():
            pipe = self._ledger.redis.pipeline(transaction=False)
            for sha256 in wanted:
                pipe.hget(ANSWERED_PREFIX + sha256, _field(model))
            places = {
                sha256: place.rsplit("/", 1) for sha256, place in zip(wanted, pipe.execute(), strict=True) if place
            }
            for job_id, index in places.values():
                pipe.hget(job_key(job_id, "results"), index)
            answers = {sha256: text for sha256, text in zip(places, pipe.execute(), strict=True) if text}
        results = {sha256: IMAGE_RESULT.validate_json(text) for sha256, text in answers.items()}
        return {sha256: result for sha256, result in results.items() if result.model == model}

    def overdue(self, between_looks_s: float, most: int = 1000) -> list[OverdueChunk]:
        """Chunks that need a new message: their worker fell silent, their pause is over, or their message was lost.

        A message counts as lost when it was sent before the previous look, ``between_looks_s`` ago or more, and either
        a later one of its queue had been claimed by then, or the broker's queue is empty now.
        """
        names = [name for queue in HintQueue for name in (queue.value, queue.again.value)]
        keys = [HELD, *(key for queue in HintQueue for key in (queue.value, waiting_key(queue), hints_key(queue)))]
        found = iter(self._ledger.run("overdue", keys, [int(between_looks_s * 1000), most, JOB_PREFIX, *names]))
        return [
            OverdueChunk(HintQueue(queue), Chunk.parse(chunk), int(stops), cause == "put_off")
            for queue, chunk, stops, cause in zip(found, found, found, found, strict=True)
        ]

    def set_aside(self, chunk: Chunk, poison: Rejection) -> None:
        """Answer the image of a one-image chunk as poison, and remember it for the operator, unless it is answered."""
        self.record(chunk, {chunk.first: poison}, sets_aside=True)

    def take_reconciler_turn(self, turn_s: float) -> bool:
        """True for one caller in each ``turn_s``."""
        with redis_errors():
            return bool(self._ledger.redis.set(RECONCILER, "1", nx=True, px=int(turn_s * 1000)))

    def take_removal_turn(self, worker: str, turn_s: float) -> bool:
        """True when for ``turn_s`` from now this worker alone is to remove; it may take its own turn anew."""
        return bool(self._ledger.run("turn", [REMOVER], [worker, int(turn_s * 1000)]))

    def _queue_and_owner(self, job_id: str) -> tuple[QueueName, str]:
        with redis_errors():
            queue, owner = self._ledger.redis.hmget(job_key(job_id), ("queue", "owner"))
        return QueueName(str(queue)) if queue else QueueName.BATCH, str(owner or ANYBODY)  # a job that is gone has none


def _field(model: ModelIdentity | None) -> str:
    return f"{model.name}/{model.version}/{model.engine}" if model else ""
