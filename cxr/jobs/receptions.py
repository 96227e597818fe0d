"""Jobs that the DICOM door is receiving: known to the ledger, so that films it has answered for outlive the door."""

from __future__ import annotations

from cxr.jobs.ledger import EXPIRING, RECEPTIONS, Ledger, job_key, redis_errors
from cxr.schemas import QueueName

KEPT_MS = 30 * 24 * 3600 * 1000  # how long a door may be away before what it took is forgotten


class Receptions:
    """Every method raises ``LedgerUnavailable`` when Redis is away."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._redis = ledger, ledger.redis

    def alive(self, job_id: str) -> None:
        """Films of this job are arriving now. An upload that never ends is forgotten; a film that was taken is not."""
        now_ms = self._ledger.now_ms()
        with redis_errors():
            pipe = self._redis.pipeline()
            pipe.zadd(RECEPTIONS, {job_id: now_ms})
            pipe.zadd(EXPIRING, {job_id: now_ms + KEPT_MS}, xx=True)
            pipe.execute()

    def put_in(self, job_id: str, queue: QueueName) -> None:
        """Choose the queue of a job before it is submitted: how many films come was not known when it was opened.

        Of a job that is gone nothing is written.
        """
        self._ledger.run("note", [job_key(job_id), job_key(job_id)], ["queue", queue.value])

    def closed(self, job_id: str) -> None:
        """The job was submitted, or is gone."""
        with redis_errors():
            self._redis.zrem(RECEPTIONS, job_id)

    def silent(self, for_s: float) -> list[str]:
        """Jobs without a sign of life: their door died, or was cut off from the ledger when it wanted to submit."""
        since_ms = self._ledger.now_ms() - for_s * 1000
        with redis_errors():
            return [str(job_id) for job_id in self._redis.zrangebyscore(RECEPTIONS, "-inf", since_ms)]
