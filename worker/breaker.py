"""A circuit breaker: while the model is away, chunks wait for it instead of failing one by one."""

from __future__ import annotations

import random
from collections.abc import Callable
from threading import Event, Lock, Thread

from cxr.telemetry import logger
from cxr.telemetry.answers import BREAKER_OPEN

log = logger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 1.0


class Breaker:
    """Closed while the model answers; opened by a failure; closed again when ``ready`` says so.

    The pauses between two asks double up to a second, each spread at random, so that many workers do not ask a
    restarted server at the same moment.
    """

    def __init__(self, ready: Callable[[], bool]) -> None:
        self._ready = ready
        self._closed = Event()
        self._closed.set()
        self._stopping = Event()
        self._probing = Lock()

    def wait(self) -> bool:
        """Return when the model answers; False when the worker is told to stop before."""
        self._closed.wait()
        return not self._stopping.is_set()

    def open(self) -> None:
        """The model did not answer: let everyone wait, and ask it in the background until it does."""
        with self._probing:
            if self._closed.is_set() and not self._stopping.is_set():
                self._closed.clear()
                BREAKER_OPEN.set(1)
                log.warning("model_away")
                Thread(target=self._probe, name="breaker", daemon=True).start()

    def stop(self) -> None:
        """Let everyone go; from now on ``wait`` says False."""
        self._stopping.set()
        self._closed.set()

    def _probe(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stopping.wait(pause_s * random.uniform(0.75, 1.25)):  # noqa: S311  (spreads retries)
            if self._ready():
                log.info("model_back")
                BREAKER_OPEN.set(0)
                self._closed.set()
                return
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
