"""How often something may be asked, counted in the ledger, so that all gateways agree."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from cxr.errors import RateExceeded
from cxr.jobs.ledger import Ledger

RATE_PREFIX = "cxr:rates:"


@dataclass(frozen=True)
class Rate:
    """At most ``most`` in any ``period_s`` seconds, for what ``who`` names; a burst of all of them is allowed."""

    who: str
    most: int
    period_s: int = 60


class Rates:
    """Every method raises ``LedgerUnavailable`` when Redis is away."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def count(self, rates: Sequence[Rate]) -> None:
        """Count one request against all of them. Raises ``RateExceeded``, and then counts it against none."""
        arguments = [number for rate in rates for number in (rate.most, rate.period_s * 1000)]
        wait_ms = int(self._ledger.run("admit", [_key(rate.who) for rate in rates], arguments))
        if wait_ms:
            raise RateExceeded(retry_after_s=math.ceil(wait_ms / 1000))


def _key(who: str) -> str:
    """Names and addresses are not kept in the clear, and cannot be longer than a key should be."""
    return RATE_PREFIX + hashlib.sha256(who.encode()).hexdigest()[:32]
