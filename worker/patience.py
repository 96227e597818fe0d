"""A worker whose Redis refuses writes (full, read-only, its disk fails) waits for it, as for one that is away."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown

from cxr.errors import LedgerUnavailable
from cxr.telemetry import logger

log = logger(__name__)

BETWEEN_PROBES_S = 1.0
PROBES_PER_LINE = 10  # of the log


def with_patience(app: Celery, probe: Callable[[], None]) -> None:
    """Let the worker of ``app`` connect only while ``probe`` raises nothing, and connect anew after every refusal."""

    class Patient(PatientConsumer):
        takes_writes = staticmethod(probe)

    app.conf.update(
        worker_consumer=Patient,
        broker_channel_error_retry=True,  # a refusal is answered with a new connection, not with the worker's end
        broker_connection_max_retries=None,
    )


class PatientConsumer(Consumer):  # type: ignore[misc]
    """Celery's consumer, whose every connection waits until the broker takes writes."""

    takes_writes: Callable[[], None]

    def connect(self) -> Any:
        """Celery's own, when messages can be acknowledged over it. Raises ``WorkerShutdown`` when told to stop."""
        probes = 0
        while refusal := self._refusal():
            if probes % PROBES_PER_LINE == 0:
                log.warning("broker_takes_no_writes", code=refusal.code, detail=refusal.detail)
            probes += 1
            time.sleep(BETWEEN_PROBES_S)
            maybe_shutdown()
        return super().connect()

    def _refusal(self) -> LedgerUnavailable | None:
        try:
            self.takes_writes()
        except LedgerUnavailable as error:
            return error
        return None
