"""How long a call keeps the device busy."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import torch

MOST_CALLS, LEAST_CALLS = 200, 5


def device_ms(call: Callable[[], object], seconds: float, device: str) -> float:
    """Median milliseconds of a call, between CUDA events; on a CPU by the clock. It is called twice before."""
    if device != "cuda":
        return clock_ms(call, seconds)
    call()
    torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    torch.cuda.synchronize()
    count = calls_in(seconds, time.perf_counter() - start)
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(count + 1)]
    marks[0].record()
    for mark in marks[1:]:
        call()
        mark.record()
    torch.cuda.synchronize()
    return statistics.median(before.elapsed_time(after) for before, after in pairwise(marks))


def clock_ms(call: Callable[[], object], seconds: float) -> float:
    """Median milliseconds of a call that returns when it is done."""
    start = time.perf_counter()
    call()
    count, times = calls_in(seconds, time.perf_counter() - start), []
    for _ in range(count):
        start = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def calls_in(seconds: float, one_s: float) -> int:
    """How many calls of ``one_s`` fill ``seconds``, within reason."""
    return max(LEAST_CALLS, min(MOST_CALLS, int(seconds / max(one_s, 1e-6))))
