"""Which workers are there: each gives a sign of life once in a while."""

from __future__ import annotations

from cxr.jobs.ledger import WORKERS, Ledger, redis_errors

PRESENT_MS = 10_000  # several of a worker's looks for lost chunks


class Presence:
    """Every method raises ``LedgerUnavailable`` when Redis is away."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._redis = ledger, ledger.redis

    def alive(self, worker: str) -> None:
        """This worker is there now; who has long been silent is forgotten."""
        now_ms = self._ledger.now_ms()
        with redis_errors():
            pipe = self._redis.pipeline()
            pipe.zadd(WORKERS, {worker: now_ms})
            pipe.zremrangebyscore(WORKERS, "-inf", now_ms - PRESENT_MS)
            pipe.execute()

    def gone(self, worker: str) -> None:
        """This worker has stopped."""
        with redis_errors():
            self._redis.zrem(WORKERS, worker)

    def count(self) -> int:
        """How many gave a sign within ten seconds."""
        since_ms = self._ledger.now_ms() - PRESENT_MS
        with redis_errors():
            return int(self._redis.zcount(WORKERS, since_ms, "+inf"))
