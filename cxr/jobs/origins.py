"""Where a chunk comes from: its job's queue, when it was opened, and the trace it was uploaded in."""

from __future__ import annotations

import time
from dataclasses import dataclass

from cxr.jobs.ledger import Ledger, job_key, redis_errors
from cxr.schemas import QueueName
from cxr.telemetry.traces import TRACEPARENT


@dataclass(frozen=True)
class Origin:
    """Of one job; ``opened_at`` in seconds since 1970."""

    queue: str
    opened_at: float
    traceparent: str

    @property
    def age_s(self) -> float:
        return max(0.0, time.time() - self.opened_at)


class Origins:
    """Raises ``LedgerUnavailable`` when Redis is away."""

    def __init__(self, ledger: Ledger) -> None:
        self._redis = ledger.redis

    def of(self, job_id: str) -> Origin:
        """One job's origin; of a job that is gone, an origin of now without a trace."""
        with redis_errors():
            queue, created_ms, trace = self._redis.hmget(job_key(job_id), ("queue", "created_at", TRACEPARENT))
        opened_at = int(created_ms) / 1000 if created_ms else time.time()
        return Origin(str(queue or QueueName.BATCH.value), opened_at, str(trace or ""))
