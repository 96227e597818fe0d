"""The roofline: how long a batch takes at the least, given what it must compute and move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Floor:
    """Milliseconds of the arithmetic and of the traffic alone; the larger is the floor."""

    arithmetic_ms: float
    traffic_ms: float

    @property
    def ms(self) -> float:
        return max(self.arithmetic_ms, self.traffic_ms)


def floor(batch: int, counts: Mapping[str, float], bytes_per_film: str) -> Floor:
    """For a batch of films: weights are read once; ``bytes_per_film`` names the count of what moves besides."""
    flop = batch * counts["flop_per_film"]
    moved = batch * counts[bytes_per_film] + counts["weight_bytes"]
    return Floor(1000 * flop / counts["flop_per_s"], 1000 * moved / counts["bytes_per_s"])
