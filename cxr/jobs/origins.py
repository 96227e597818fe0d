"""Where a chunk comes from: its job's queue, when it was opened, and the trace it was uploaded in."""

from __future__ import annotations

from dataclasses import dataclass

from cxr.jobs.ledger import Ledger, job_key, redis_errors
from cxr.schemas import QueueName
from cxr.telemetry.traces import TRACEPARENT


@dataclass(frozen=True)
class Origin:
    """Of one job; ``age_s`` is how long ago it was opened when it was looked up."""

    queue: str
    age_s: float
    traceparent: str


class Origins:
    """Raises ``LedgerUnavailable`` when Redis is away."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._redis = ledger, ledger.redis

    def of(self, job_id: str) -> Origin:
        """One job's origin; of a job that is gone, an origin of now without a trace."""
        with redis_errors():
            queue, created_ms, trace = self._redis.hmget(job_key(job_id), ("queue", "created_at", TRACEPARENT))
        age_ms = max(0, self._ledger.now_ms() - int(created_ms)) if created_ms else 0
        return Origin(str(queue or QueueName.BATCH.value), age_ms / 1000, str(trace or ""))
