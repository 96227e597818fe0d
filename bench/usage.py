"""Processor time by process: where the time of an image goes."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from tests.stack import Stack

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
# What a process of the stack is, by words of its command line; the first that fits.
KINDS = (
    ("worker.inside", "decoding (the worker's boxes)"),
    ("triton_python_backend_stub", "scoring (Triton's backend)"),
    ("bin/tritonserver", "Triton"),
    ("redis-server", "Redis"),
    ("worker", "worker"),
    ("gateway", "gateway"),
)


def processor_s(stack: Stack, *names: str) -> Counter[str]:
    """Seconds that the processes of the stack and their children have used so far, by kind."""
    used: Counter[str] = Counter()
    for name in names:
        for pid in _family(stack.pid(name)):
            used[_kind(pid)] += _seconds(pid)
    return used


def _family(pid: int) -> list[int]:
    children = [int(word) for path in Path(f"/proc/{pid}/task").glob("*/children") for word in path.read_text().split()]
    return [pid, *(member for child in children for member in _family(child))]


def _kind(pid: int) -> str:
    command = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return next((kind for words, kind in KINDS if words in command), command)


def _seconds(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS_PER_S  # utime, stime: proc(5)
