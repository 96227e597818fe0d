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


class Reconciler:
    """Any worker may run one; the ledger lets one of them act at a time."""

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
        self._stopping, self._tidied_at, self._may_remove = Event(), -math.inf, False

    def start(self) -> None:
        """Look every ``interval_s`` in a background thread until ``stop``."""
        Thread(target=self._run, name="reconciler", daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()

    def look_once(self) -> None:
        """Re-enqueue overdue chunks, set poison images aside, delete what is past its retention, or half done."""
        for overdue in self._leases.overdue(self._between_looks_s):
            self._act_on(overdue)
        if time.monotonic() - self._tidied_at > BETWEEN_TIDYINGS_S:  # requests to the store, so not at every look
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
            CHUNKS_HINTED_AGAIN.inc()
            log.info("chunk_enqueued_again", chunk=str(chunk), stops=overdue.stops)
            self._queue.enqueue(overdue.queue, [chunk])

    def _run(self) -> None:
        wait_s = 0.0  # the first sign of life at once
        while not self._stopping.wait(wait_s):
            wait_s = self._interval_s
            try:
                self._presence.alive(self._name)
                if self._leases.take_reconciler_turn(self._interval_s / 2):
                    self.look_once()
            except CxrError as error:
                log.warning("reconciler_waits", code=error.code, detail=error.detail)
        with suppress(LedgerUnavailable):  # then ten seconds of silence say it
            self._presence.gone(self._name)
