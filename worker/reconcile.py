"""Finds what fell between two stools: lost messages, silent workers, poison images, jobs past their retention."""

from __future__ import annotations

import math
import os
import socket
import time
from contextlib import suppress
from threading import Event, Thread

from cxr.custody import Custody
from cxr.errors import CxrError, LedgerUnavailable, PoisonImage
from cxr.jobs import Leases, OverdueChunk, Presence
from cxr.queue import ChunkQueue
from cxr.schemas import Rejection
from cxr.telemetry import logger
from cxr.telemetry.answers import CHUNKS_HINTED_AGAIN, IMAGES_SET_ASIDE

log = logger(__name__)

BETWEEN_TIDYINGS_S = 60.0
REMOVAL_TURN_S = 10.0  # after which another worker may remove when the one that did has fallen silent
LAST_SIGN_WITHIN_S = 2.0
CAUSES = STOPPED, PUT_OFF = "stopped", "put_off"


class Reconciler:
    """Any worker may run one; the ledger lets one of them look for chunks at a time, and one remove.

    What removes has a thread of its own: thousands of films in an object store take it minutes, in which this worker
    goes on to give signs of life and to look for chunks.
    """

    def __init__(
        self,
        leases: Leases,
        custody: Custody,
        queue: ChunkQueue,
        presence: Presence,
        *,
        interval_s: float,
        between_looks_s: float,
        max_stops: int,
    ) -> None:
        self._leases, self._custody, self._queue, self._presence = leases, custody, queue, presence
        self._name = f"{socket.gethostname()}-{os.getpid()}"
        self._interval_s, self._between_looks_s, self._max_stops = interval_s, between_looks_s, max_stops
        self._removal_turn_s = max(REMOVAL_TURN_S, 3 * interval_s)
        self._stopping, self._removing, self._tidied_at, self._may_remove = Event(), Event(), -math.inf, False
        self._looker = Thread(target=self._look, name="reconciler", daemon=True)
        self._remover = Thread(target=self._remove, name="remover", daemon=True)
        for cause in CAUSES:  # so that the series exist before the first is counted
            CHUNKS_HINTED_AGAIN.labels(cause)

    def start(self) -> None:
        """Look, and remove, every ``interval_s`` in two background threads until ``stop``."""
        self._looker.start()
        self._remover.start()

    def stop(self) -> None:
        """Let both threads end; returns when the ledger knows it, or after two seconds. A removal is not waited for."""
        self._stopping.set()
        if self._looker.is_alive():
            self._looker.join(LAST_SIGN_WITHIN_S)

    def look_once(self) -> None:
        """Re-enqueue overdue chunks, and set poison images aside."""
        for overdue in self._leases.overdue(self._between_looks_s):
            self._act_on(overdue)

    def remove_once(self) -> None:
        """Delete what is past its retention, or half done."""
        if time.monotonic() - self._tidied_at > BETWEEN_TIDYINGS_S:  # requests to the store, so not every time
            self._tidied_at, self._may_remove = time.monotonic(), False
            self._custody.tidy()  # refuses a store that is not the ledger's; then nothing expires either
            self._may_remove = True
        if self._may_remove:
            self._custody.expire()

    def _act_on(self, overdue: OverdueChunk) -> None:
        chunk = overdue.chunk
        if overdue.stops >= self._max_stops:
            IMAGES_SET_ASIDE.inc()
            log.error("image_set_aside", chunk=str(chunk), stops=overdue.stops)
            self._leases.set_aside(chunk, Rejection.of(PoisonImage(f"{overdue.stops} workers")))
        else:
            CHUNKS_HINTED_AGAIN.labels(PUT_OFF if overdue.put_off else STOPPED).inc()
            log.info("chunk_enqueued_again", chunk=str(chunk), stops=overdue.stops)
            self._queue.enqueue(overdue.queue, [chunk])

    def _look(self) -> None:
        wait_s = 0.0  # the first sign of life at once
        while not self._stopping.wait(wait_s):
            wait_s = self._interval_s
            try:
                self._presence.alive(self._name)
                if self._removing.is_set():
                    self._leases.take_removal_turn(self._name, self._removal_turn_s)
                if self._leases.take_reconciler_turn(self._interval_s / 2):
                    self.look_once()
            except CxrError as error:
                log.warning("reconciler_waits", code=error.code, detail=error.detail)
        with suppress(LedgerUnavailable):  # then ten seconds of silence say it
            self._presence.gone(self._name)

    def _remove(self) -> None:
        wait_s = 0.0
        while not self._stopping.wait(wait_s):
            wait_s = self._interval_s
            try:
                if self._leases.take_removal_turn(self._name, self._removal_turn_s):
                    self._remove_in_turn()
            except CxrError as error:
                log.warning("remover_waits", code=error.code, detail=error.detail)

    def _remove_in_turn(self) -> None:
        """Afterwards any worker may be next: this one's store may not be the ledger's, and another's is."""
        self._removing.set()
        try:
            self.remove_once()
        finally:
            self._removing.clear()
            self._leases.take_removal_turn(self._name, self._interval_s / 2)
