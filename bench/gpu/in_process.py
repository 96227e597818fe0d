"""The network alone, on films that lie in the device's memory; and with the way there and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.gpu.networks import in_half, load
from bench.gpu.orders import BATCHES, FILM_SHAPE, REQUEST_SIZES, Keep, Orders
from bench.gpu.runner import Captured, Runner
from bench.gpu.timing import clock_ms, device_ms

# 205 MB of noise, several times a GPU's level-2 cache: no call finds its films there.
POOL_FILMS = 4096
FP32, FP16, GRAPHS = "fp32", "fp16", "fp16, CUDA graphs"

Call = Callable[[Tensor], object]


class Films:
    """Fresh films [N,1,224,224] for every call, in turn from a pool."""

    def __init__(self, orders: Orders) -> None:
        count = POOL_FILMS if orders.device == "cuda" else 64
        self.pool = torch.randint(0, 256, (count, *FILM_SHAPE), dtype=torch.uint8, device=orders.device)

    def sets(self, batch: int) -> Iterator[Tensor]:
        return cycle(self.pool.split(batch)[: max(1, len(self.pool) // batch)])


def measure(orders: Orders, keep: Keep) -> None:
    """Milliseconds a batch, each round's median, by way of computing and batch size; then with host copies."""
    served = load(orders.model, orders.device)
    half, films = in_half(served, orders.device), Films(orders)
    found: dict[str, Any] = {"ms": {}, "with_copies_ms": {}, "missed": []}
    for batch in _batches(orders):
        if orders.late:
            found["missed"].append(batch)
            continue
        ways: dict[str, Call] = {FP32: plain(served), FP16: plain(half), GRAPHS: Captured(half, batch, orders.device)}
        for name, times in in_turns(ways, films, batch, orders).items():
            found["ms"].setdefault(name, {})[str(batch)] = times
        keep(found)
        del ways
    sizes = (1, 8) if orders.quick else REQUEST_SIZES
    runner, noise = Runner(half, sizes, orders.device), np.random.default_rng(0)
    for size in sizes:
        parts = cycle([[noise.integers(0, 256, (size, *FILM_SHAPE), np.uint8)] for _ in range(4)])
        rounds = [clock_ms(lambda p=parts: runner(next(p)), _seconds(orders)) for _ in range(3)]  # type: ignore[misc]
        found["with_copies_ms"][str(size)] = rounds
        keep(found)


def in_turns(ways: Mapping[str, Call], films: Films, batch: int, orders: Orders) -> dict[str, list[float]]:
    """Three rounds, every way once in each: the median milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(1 if orders.quick else 3):
        for name, way in ways.items():
            sets = films.sets(batch)
            times[name].append(device_ms(lambda w=way, s=sets: w(next(s)), _seconds(orders), orders.device))  # type: ignore[misc]
    return times


def plain(network: nn.Module) -> Call:
    """One kernel after the other, each launched by Python."""

    @torch.no_grad()
    def call(films: Tensor) -> object:
        return network(films)

    return call


def _seconds(orders: Orders) -> float:
    return 0.02 if orders.quick else 0.12


def _batches(orders: Orders) -> list[int]:
    """The largest that Triton takes first: should time run out, the others miss."""
    chosen = (1, 8) if orders.quick else BATCHES
    return sorted(chosen, key=lambda batch: (batch not in REQUEST_SIZES, -batch))
