"""How much there is to do, how fast it is being done, and who may still add to it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from cxr.jobs.ledger import DRAINED_PREFIX, LOAD_PREFIX, Ledger, redis_errors

STRETCH_S = 10  # answers are counted in stretches of this length
STRETCHES = 6  # and the rate is the mean over this many finished ones
DRAIN_KEPT_S = STRETCH_S * (STRETCHES + 2)
LEAST_RETRY_AFTER_S, MOST_RETRY_AFTER_S = 1, 600


@dataclass(frozen=True)
class Standing:
    """Unanswered images, bytes of their jobs, and images answered per second over the last minute."""

    images: int
    bytes: int
    images_per_s: float

    @property
    def retry_after_s(self) -> int:
        """When a tenth of the backlog will be done, in seconds, between 1 and 600."""
        if self.images_per_s <= 0:
            return LEAST_RETRY_AFTER_S if self.images == 0 else MOST_RETRY_AFTER_S
        expected = math.ceil(0.1 * self.images / self.images_per_s)
        return min(max(expected, LEAST_RETRY_AFTER_S), MOST_RETRY_AFTER_S)


class Backlog:
    """Every method raises ``LedgerUnavailable`` when Redis is away."""

    def __init__(self, ledger: Ledger) -> None:
        self._redis = ledger.redis

    def standing(self) -> Standing:
        """What waits now, and how fast it goes."""
        stretch = int(time.time()) // STRETCH_S
        with redis_errors():
            load = self._redis.hmget(LOAD_PREFIX + "all", ("images", "bytes"))
            counts = self._redis.mget([DRAINED_PREFIX + str(stretch - back) for back in range(1, STRETCHES + 1)])
        images, size_bytes = (max(0, int(value or 0)) for value in load)
        return Standing(images, size_bytes, sum(int(count or 0) for count in counts) / (STRETCH_S * STRETCHES))


def drain_key() -> str:
    """Where the answers of this moment are counted."""
    return DRAINED_PREFIX + str(int(time.time()) // STRETCH_S)
