"""Sessions of the page that were ended by signing out, remembered until they would have ended by themselves."""

from __future__ import annotations

from cxr.jobs.ledger import Ledger, redis_errors

ENDED_PREFIX = "cxr:ended:"


class EndedSessions:
    """Every method raises ``LedgerUnavailable`` when Redis is away."""

    def __init__(self, ledger: Ledger) -> None:
        self._redis = ledger.redis

    def end(self, session_id: str, longest_s: int) -> None:
        with redis_errors():
            self._redis.set(ENDED_PREFIX + session_id, "1", ex=longest_s)

    def has_ended(self, session_id: str) -> bool:
        with redis_errors():
            return bool(self._redis.exists(ENDED_PREFIX + session_id))
