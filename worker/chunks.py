"""One chunk from claim to answers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from threading import Event, Thread

from cxr.blobs import BlobStore
from cxr.errors import BlobsUnavailable, LedgerUnavailable, ModelUnavailable
from cxr.jobs import Lease, Leases
from cxr.predictor import Predictor
from cxr.schemas import Chunk, JobImage, Prediction, Rejection
from cxr.telemetry import logger
from worker.breaker import Breaker

log = logger(__name__)

RENEWALS_PER_LEASE = 3
PAUSE_S = (0.5, 1.5)  # before a chunk is tried again whose model or bytes were away


class ChunkWorker:
    """Claims chunks and answers them; safe to call for the same chunk any number of times."""

    def __init__(
        self,
        leases: Leases,
        blobs: BlobStore,
        predictor: Predictor,
        breaker: Breaker,
        threads: Executor,
        *,
        lease_s: float,
    ) -> None:
        self._leases, self._blobs, self._predictor = leases, blobs, predictor
        self._breaker, self._threads, self._lease_s = breaker, threads, lease_s

    def answer(self, chunk: Chunk) -> int:
        """Answer what is unanswered of ``chunk``; returns how many images got their answer from this call.

        While the model is away this waits for it. When model or image store fail in the middle, the chunk goes back to
        the ledger and is tried again after a pause; that costs it no attempt.
        """
        if not self._breaker.wait():
            return 0
        lease = self._leases.claim(chunk)
        if lease is None:
            return 0
        try:
            with self._kept_alive(lease):
                answers = self._answers(lease.waiting)
        except (ModelUnavailable, BlobsUnavailable) as error:
            if isinstance(error, ModelUnavailable):
                self._breaker.open()
            pause_s = random.uniform(*PAUSE_S)  # noqa: S311  (spreads retries; nothing secret)
            log.warning("chunk_put_off", chunk=str(chunk), code=error.code, detail=error.detail)
            self._leases.release(lease, pause_s)
            return 0
        new = self._leases.record(chunk, answers, lease.token, lease.waiting)
        log.info("chunk_answered", chunk=str(chunk), images=len(answers), new=new)
        return new

    def _answers(self, waiting: dict[int, JobImage]) -> dict[int, Prediction | Rejection]:
        """Answers by index: known ones of this model for the same bytes, the others from the predictor."""
        hashes = {index: image.sha256 for index, image in waiting.items() if image.sha256}
        known = self._leases.known_answers(hashes.values(), self._predictor.model())
        answers = {index: known[sha256] for index, sha256 in hashes.items() if sha256 in known}
        unknown = {index: sha256 for index, sha256 in hashes.items() if sha256 not in known}
        contents = list(self._threads.map(self._blobs.get, unknown.values()))
        return answers | dict(zip(unknown, self._predictor.predict(contents), strict=True))

    @contextmanager
    def _kept_alive(self, lease: Lease) -> Iterator[None]:
        """Renew the lease in the background for as long as the work lasts."""
        finished = Event()

        def renew() -> None:
            while not finished.wait(self._lease_s / RENEWALS_PER_LEASE):
                try:
                    self._leases.renew(lease)
                except LedgerUnavailable as error:
                    log.warning("lease_not_renewed", chunk=str(lease.chunk), detail=error.detail)

        keeper = Thread(target=renew, name=f"lease-{lease.chunk}", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            finished.set()
            keeper.join()
