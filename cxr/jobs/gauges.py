"""The ledger's figures for Prometheus: what waits, how old it is, what is in hand, and Redis' own memory."""

from __future__ import annotations

import time
from collections.abc import Iterator

from cxr.errors import LedgerUnavailable
from cxr.jobs.backlog import Backlog
from cxr.jobs.ledger import HELD, SET_ASIDE, Ledger, job_key, redis_errors, waiting_key
from cxr.jobs.presence import Presence
from cxr.schemas import Chunk, HintQueue
from cxr.telemetry.metrics import Reading

WRITABLE = "1 when Redis takes writes, 0 when it answers and refuses them: nothing can be accepted or answered."
OLDEST_OF = 100  # chunks hinted first; one hinted again moves back, so the first alone might not be the oldest


class LedgerGauges:
    """Reads the ledger at each scrape, in about ten round trips, however long the queues are."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._redis = ledger, ledger.redis
        self._backlog, self._presence = Backlog(ledger), Presence(ledger)

    def read(self) -> Iterator[Reading]:
        """All gauges; when Redis is away, ``cxr_ledger_up`` 0 alone.

        A ledger that is not patient gives Prometheus its answer in time, also when Redis hangs.
        """
        started = time.monotonic()
        try:
            now_ms = self._ledger.now_ms()
            readings = [*self._queues(now_ms), *self._work(now_ms), *self._memory(), self._writable()]
        except LedgerUnavailable:
            yield Reading("cxr_ledger_up", "1 when Redis answers, else 0.", 0)
            return
        yield Reading("cxr_ledger_up", "1 when Redis answers, else 0.", 1)
        yield Reading("cxr_ledger_read_seconds", "Time to read these gauges.", time.monotonic() - started)
        yield from readings

    def _writable(self) -> Reading:
        """Redis may answer and refuse every write: full, read-only, its disk fails."""
        try:
            self._ledger.probe()
        except LedgerUnavailable:
            return Reading("cxr_ledger_writable", WRITABLE, 0)
        return Reading("cxr_ledger_writable", WRITABLE, 1)

    def _queues(self, now_ms: int) -> Iterator[Reading]:
        for queue in HintQueue:
            labels = {"queue": queue.value}
            with redis_errors():
                waiting = self._redis.zcard(waiting_key(queue))
                hinted = self._redis.llen(queue.value)
            yield Reading("cxr_queue_waiting_chunks", "Chunks that wait for a worker.", float(waiting), labels)
            yield Reading("cxr_queue_messages", "Hints in the broker's queue.", float(hinted), labels)
            yield Reading(
                "cxr_queue_oldest_age_seconds",
                "How long ago the job of the oldest waiting image was opened; 0 when none waits.",
                self._oldest_age_s(queue, now_ms),
                labels,
            )

    def _oldest_age_s(self, queue: HintQueue, now_ms: int) -> float:
        with redis_errors():
            chunks = self._redis.zrange(waiting_key(queue), 0, OLDEST_OF - 1)
            jobs = {Chunk.parse(str(chunk)).job_id for chunk in chunks}
            pipe = self._redis.pipeline(transaction=False)
            for job_id in jobs:
                pipe.hget(job_key(job_id), "created_at")
            opened = [int(created_ms) for created_ms in pipe.execute() if created_ms]
        return max(0, now_ms - min(opened)) / 1000 if opened else 0.0

    def _work(self, now_ms: int) -> Iterator[Reading]:
        standing = self._backlog.standing()
        with redis_errors():
            in_hand = self._redis.zcount(HELD, now_ms, "+inf")
            aside = self._redis.scard(SET_ASIDE)
        yield Reading(
            "cxr_backlog_images", "Images without an answer, those that are still being received too.", standing.images
        )
        yield Reading("cxr_backlog_bytes", "Bytes of the jobs that are not done.", standing.bytes)
        workers = float(self._presence.count())
        yield Reading("cxr_workers_present", "Workers that gave a sign of life within ten seconds.", workers)
        yield Reading("cxr_leases_in_flight", "Chunks held by a worker, or paused before the next try.", float(in_hand))
        yield Reading("cxr_set_aside_images", "Images that are set aside now.", float(aside))

    def _memory(self) -> Iterator[Reading]:
        with redis_errors():
            memory = self._redis.info("memory")
        used, most = float(memory["used_memory"]), float(memory.get("maxmemory", 0))
        yield Reading("cxr_redis_memory_used_bytes", "Memory that Redis uses.", used)
        yield Reading("cxr_redis_memory_max_bytes", "Memory that Redis may use; 0: no limit set.", most)
