"""A lease is renewed while its chunk is worked on; while that only waits for the model, its films are not to blame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

from cxr.errors import LedgerUnavailable
from cxr.jobs import Lease, Leases
from cxr.telemetry import logger

log = logger(__name__)

RENEWALS_PER_LEASE = 3


class Keeper:
    """Keeps one lease; a worker that is killed while it waits for the model for long costs the chunk no attempt."""

    def __init__(self, leases: Leases, lease: Lease, lease_s: float) -> None:
        self._leases, self._lease, self._pause_s = leases, lease, lease_s / RENEWALS_PER_LEASE
        self._changing, self._waits, self._excused = Lock(), False, False

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew in the background for as long as the work lasts."""
        finished = Event()

        def renew() -> None:
            while not finished.wait(self._pause_s):
                try:
                    self._renew()
                except LedgerUnavailable as error:
                    log.warning("lease_not_renewed", chunk=str(self._lease.chunk), detail=error.detail)

        thread = Thread(target=renew, name=f"lease-{self._lease.chunk}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            finished.set()
            thread.join()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While the model is asked, and nothing is done to a file. Raises ``LedgerUnavailable`` at its end."""
        self._waits = True
        yield  # what ends it with an error gives the chunk back, and so needs nothing taken back
        with self._changing:
            self._waits = False
            excused = self._excused
        if excused:  # what comes next may be a film's fault again
            self._renew()

    def _renew(self) -> None:
        with self._changing:
            self._excused = self._excused or self._waits  # before the call: its reply may be lost
            self._leases.renew(self._lease, blameless=self._waits)
            self._excused = self._waits
