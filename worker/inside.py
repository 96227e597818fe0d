"""What runs inside a box: one process that decodes files until its attendant is gone, or until it is killed.

``worker.child`` starts it as ``python -m worker.inside <orders>``. It imports the decode function and what that needs,
nothing else of the worker: no gRPC, no Redis, no settings, no secrets.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from cxr.errors import ImageRejected
from cxr.imaging import Film, Limits
from worker.wire import MAX_REFUSAL_BYTES, Kind, receive, send

PR_SET_PDEATHSIG = 1  # linux/prctl.h
# Linux kills the process with the highest score when memory runs out: a box goes before worker, Redis or Triton.
OOM_SCORE_ADJ = "800"
MOST_NICE = 19


@dataclass(frozen=True)
class Orders:
    """What a box is told on its command line. ``decode`` is ``module:function``; ``memory_bytes`` is address space."""

    parent_pid: int
    socket_fd: int
    decode: str
    memory_bytes: int
    gives_way: bool
    limits: dict[str, int]


def obey(orders: Orders) -> None:
    """Decode file after file; return when the attendant is gone or after a fault."""
    _die_with(orders.parent_pid)
    _confine(orders.memory_bytes)
    if orders.gives_way:
        _give_way()
    decode, limits = _function(orders.decode), Limits(**orders.limits)
    connection = socket.socket(fileno=orders.socket_fd)
    send(connection, Kind.READY, b"")
    _fall_silent()
    with suppress(EOFError, OSError):
        while True:
            _, content = receive(connection)
            kind, answer = _answer(decode, content, limits)
            del content
            send(connection, kind, answer)
            if kind is Kind.FAULT:
                return


def _answer(decode: Callable[[bytes, Limits], Film], content: bytes, limits: Limits) -> tuple[Kind, bytes]:
    try:
        film = decode(content, limits)
        return Kind.FILM, film.tensor.tobytes() + ",".join(film.notes).encode()
    except ImageRejected as error:
        return Kind.REFUSED, f"{error.code}\0{error.detail}".encode(errors="replace")[:MAX_REFUSAL_BYTES]
    except Exception as error:  # noqa: BLE001  (said to the attendant, and this process ends)
        return Kind.FAULT, type(error).__name__.encode()


def _die_with(parent_pid: int) -> None:
    """Have the kernel kill this process when the attendant's thread ends, however it ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it ended before the kernel was asked
        sys.exit()


def _confine(memory_bytes: int) -> None:
    """Bound the address space, leave no core file (it would hold a patient's pixels), be the first to go."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE_ADJ)


def _give_way() -> None:
    """Have only the processor time that nobody else wants: who wakes up to some other work goes on at once."""
    try:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except PermissionError:  # a container that may not; being nice is allowed everywhere
        os.nice(MOST_NICE)


def _function(name: str) -> Callable[[bytes, Limits], Film]:
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)  # type: ignore[no-any-return]


def _fall_silent() -> None:
    """What decoders print about a file may quote it: drop it."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


if __name__ == "__main__":
    obey(Orders(**json.loads(sys.argv[1])))
