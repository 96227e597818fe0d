"""The process inside a box, from the outside: start it, ask it, kill it."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from cxr.decoding import Decode
from cxr.errors import DecoderUnavailable
from cxr.imaging import DEFAULT_LIMITS, Limits, examine
from worker.inside import Orders
from worker.wire import MAX_ANSWER_BYTES, Kind, receive, send

START_TIMEOUT_S = 120.0
LOOK_S = 0.25  # between two looks at how long a file has taken
KEPT_ENVIRONMENT = ("LD_LIBRARY_PATH", "LANG", "TZ")


@dataclass(frozen=True)
class BoxPlan:
    """What every box of a worker may do.

    ``timeout_s``: processor time for one file; by the clock it may take ``patience`` times as long, since a process
    that waits for a processor does not hang. ``memory_bytes``: address space of the process, its program (about 160 MB)
    included; the largest film that the default limits let through needs 1.5 GB. ``decode``: a top-level function; tests
    pass others, to crash and to hang. ``gives_way``: whether the process has only the processor time that nobody else
    wants.
    """

    timeout_s: float = 20.0
    memory_bytes: int = 2 * 1024**3
    limits: Limits = DEFAULT_LIMITS
    decode: Decode = examine
    patience: float = 3.0
    gives_way: bool = False


class Child:
    """Started by its constructor, which does not wait until it is ready. Raises ``DecoderUnavailable``.

    The kernel kills it when the thread that started it ends. No fork handler runs (gRPC has some that do not survive
    it), no secret of the environment is inherited, and it is in a process group of its own: a signal to the worker's is
    the worker's to answer. Its session is the worker's: Linux may share the processor out by sessions first, and
    ``gives_way`` counts within one alone.
    """

    def __init__(self, plan: BoxPlan) -> None:
        self._ready = False
        self._connection, theirs = socket.socketpair()
        decode = f"{plan.decode.__module__}:{plan.decode.__qualname__}"
        orders = Orders(os.getpid(), theirs.fileno(), decode, plan.memory_bytes, plan.gives_way, asdict(plan.limits))
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "worker.inside", json.dumps(asdict(orders))],
                pass_fds=(theirs.fileno(),),
                env=_environment(),
                stdin=subprocess.DEVNULL,
                process_group=0,
            )
        except OSError as error:
            self._connection.close()
            raise DecoderUnavailable(type(error).__name__) from error
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def await_ready(self) -> None:
        """Wait until it can take a file. Raises ``DecoderUnavailable`` when it ends instead or takes two minutes."""
        if not self._ready:
            try:
                kind, _ = receive(self._connection, time.monotonic() + START_TIMEOUT_S, 0)
            except (OSError, EOFError, ValueError) as error:
                raise DecoderUnavailable(f"{type(error).__name__} while starting") from error
            self._ready = kind is Kind.READY

    def ask(self, content: bytes, plan: BoxPlan) -> tuple[Kind, bytes]:
        """Hand in a file and wait for what comes out.

        Raises ``TimeoutError``; ``EOFError`` or ``OSError`` when the process is gone; ``ValueError`` when what came out
        is no message. After any of them, kill it.
        """
        deadline, spent_s = time.monotonic() + plan.patience * plan.timeout_s, self._processor_s()
        send(self._connection, Kind.FILE, content, deadline)
        something = select.poll()
        something.register(self._connection, select.POLLIN)
        while not something.poll(1000 * LOOK_S):
            if time.monotonic() > deadline or self._processor_s() - spent_s > plan.timeout_s:
                raise TimeoutError
        return receive(self._connection, deadline, MAX_ANSWER_BYTES)

    def kill(self) -> int:
        """End it at once; its exit status, or minus the signal that ended it (its own, where it was first)."""
        self._process.kill()
        status = self._process.wait()
        self._connection.close()
        return status

    def _processor_s(self) -> float:
        """Processor time that the process has used so far; 0 when it is gone."""
        try:
            words = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime: proc(5)


def _environment() -> dict[str, str]:
    """What a decoder needs of our environment: where modules are, and to keep to one thread and one memory arena."""
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path)
    return kept | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
