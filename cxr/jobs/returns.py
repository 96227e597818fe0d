"""Jobs whose results go back to a DICOM node: what is owed, what was taken, when to try again. Outlives the sender."""

from __future__ import annotations

from typing import cast

from cxr.jobs.ledger import RETURN_PREFIX, RETURNS, Ledger, redis_errors

TAKEN, FAILURES = "taken:", "failures"


class Returns:
    """Every method raises ``LedgerUnavailable`` when Redis is away. Any number of senders may share the work."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._redis = ledger, ledger.redis

    def owe(self, job_id: str) -> None:
        """The job's results are to be sent; does no harm when said twice."""
        now_ms = self._ledger.now_ms()
        with redis_errors():
            self._redis.zadd(RETURNS, {job_id: now_ms}, nx=True)

    def claim(self, for_s: float) -> str | None:
        """A job whose turn it is, for this caller alone during ``for_s``; None when there is none."""
        job_id = self._ledger.run("due", [RETURNS], [int(for_s * 1000)])
        return str(job_id) if job_id else None

    def put_off(self, job_id: str, for_s: float) -> None:
        """Look at the job again after ``for_s``; also what keeps a claim."""
        due_ms = self._ledger.now_ms() + int(for_s * 1000)
        with redis_errors():
            self._redis.zadd(RETURNS, {job_id: due_ms}, xx=True)

    def taken(self, job_id: str) -> set[str]:
        """Names of the job's results that the node has taken."""
        with redis_errors():
            fields = cast("list[str]", self._redis.hkeys(RETURN_PREFIX + job_id))
        return {field.removeprefix(TAKEN) for field in fields if field.startswith(TAKEN)}

    def take(self, job_id: str, name: str) -> None:
        """The node has taken this result."""
        with redis_errors():
            self._redis.hset(RETURN_PREFIX + job_id, TAKEN + name, "1")

    def failed(self, job_id: str) -> int:
        """Count one failed attempt; how many there were in a row."""
        with redis_errors():
            return int(self._redis.hincrby(RETURN_PREFIX + job_id, FAILURES, 1))

    def settled(self, job_id: str) -> None:
        """Nothing is owed any more."""
        with redis_errors():
            pipe = self._redis.pipeline()
            pipe.zrem(RETURNS, job_id)
            pipe.delete(RETURN_PREFIX + job_id)
            pipe.execute()

    def owed(self) -> int:
        """Jobs whose results are not all sent yet."""
        with redis_errors():
            return int(self._redis.zcard(RETURNS))
