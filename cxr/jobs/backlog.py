"""How much there is to do, how fast it is being done, and who may still add to it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from cxr.jobs.ledger import DRAINED_PREFIX, LOAD_PREFIX, WORKED_PREFIX, Ledger, redis_errors

STRETCH_S = 10  # answers are counted in stretches of this length, by Redis' clock (record.lua)
STRETCHES = 6  # and the rate is the mean over this many finished ones
DRAIN_KEPT_S = STRETCH_S * (STRETCHES + 2)
LEAST_RETRY_AFTER_S, UNKNOWN_RETRY_AFTER_S, MOST_RETRY_AFTER_S = 1, 5, 600


@dataclass(frozen=True)
class Standing:
    """Unanswered images, bytes of their jobs, and images answered per second over the last minute.

    ``working_per_s`` is that of the time alone in which a worker had something in hand; None when none had.
    """

    images: int
    bytes: int
    images_per_s: float
    working_per_s: float | None = None

    def retry_after_s(self, waiting: int, too_many: int = 0) -> int:
        """When a tenth of the images that wait, and those that are too many, will be done, in seconds.

        Between 1 and 600; 5 when nobody knows how fast they are done.
        """
        if not self.working_per_s:
            return UNKNOWN_RETRY_AFTER_S
        expected = math.ceil(max(0.1 * waiting, too_many) / self.working_per_s)
        return min(max(expected, LEAST_RETRY_AFTER_S), MOST_RETRY_AFTER_S)


class Backlog:
    """Every method raises ``LedgerUnavailable`` when Redis is away."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._redis = ledger, ledger.redis

    def standing(self) -> Standing:
        """What waits now, and how fast it goes."""
        stretch = self._ledger.now_ms() // (1000 * STRETCH_S)
        with redis_errors():
            load = self._redis.hmget(LOAD_PREFIX + "all", ("images", "bytes"))
            now, *finished = self._stretches(DRAINED_PREFIX, stretch)
            worked_ms = sum(self._stretches(WORKED_PREFIX, stretch))
        images, size_bytes = (max(0, int(value or 0)) for value in load)
        working_per_s = 1000 * (now + sum(finished)) / worked_ms if worked_ms else None
        return Standing(images, size_bytes, sum(finished) / (STRETCH_S * STRETCHES), working_per_s)

    def waiting_of(self, load_key: str) -> int:
        """How many images of one owner wait."""
        with redis_errors():
            return max(0, int(self._redis.hget(load_key, "images") or 0))

    def _stretches(self, prefix: str, last: int) -> list[int]:
        """The counts of this stretch and of those before it."""
        counts = self._redis.mget([prefix + str(last - back) for back in range(STRETCHES + 1)])
        return [int(count or 0) for count in counts]
