"""One chunk from claim to answers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from threading import Event, Thread

from cxr.blobs import BlobStore
from cxr.errors import BlobsUnavailable, LedgerUnavailable, ModelUnavailable
from cxr.jobs import JobStore, Lease
from cxr.predictor import Predictor
from cxr.schemas import Chunk, JobImage
from cxr.telemetry import logger

log = logger(__name__)

RENEWALS_PER_LEASE = 3
PAUSE_S = (1.0, 3.0)  # before a chunk is tried again whose model or bytes were away


class ChunkWorker:
    """Claims chunks and answers them; safe to call for the same chunk any number of times."""

    def __init__(
        self, jobs: JobStore, blobs: BlobStore, predictor: Predictor, threads: Executor, *, lease_s: float
    ) -> None:
        self._jobs, self._blobs, self._predictor = jobs, blobs, predictor
        self._threads, self._lease_s = threads, lease_s

    def answer(self, chunk: Chunk) -> int:
        """Answer what is unanswered of ``chunk``; returns how many images got their answer from this call.

        When the model or the image store is away, the chunk goes back to the ledger and is tried again after a pause;
        that costs it no attempt.
        """
        lease = self._jobs.claim(chunk)
        if lease is None:
            return 0
        try:
            with self._kept_alive(lease):
                contents = list(self._threads.map(self._read, lease.waiting.values()))
                answers = self._predictor.predict(contents)
        except (ModelUnavailable, BlobsUnavailable) as error:
            pause_s = random.uniform(*PAUSE_S)  # noqa: S311  (spreads retries; nothing secret)
            log.warning("chunk_put_off", chunk=str(chunk), code=error.code, detail=error.detail)
            self._jobs.release(lease, pause_s)
            return 0
        new = self._jobs.record(chunk, dict(zip(lease.waiting, answers, strict=True)), lease.token)
        log.info("chunk_answered", chunk=str(chunk), images=len(answers), new=new)
        return new

    def _read(self, image: JobImage) -> bytes:
        return self._blobs.get(image.sha256) if image.sha256 else b""

    @contextmanager
    def _kept_alive(self, lease: Lease) -> Iterator[None]:
        """Renew the lease in the background for as long as the work lasts."""
        finished = Event()

        def renew() -> None:
            while not finished.wait(self._lease_s / RENEWALS_PER_LEASE):
                try:
                    self._jobs.renew(lease)
                except LedgerUnavailable as error:
                    log.warning("lease_not_renewed", chunk=str(lease.chunk), detail=error.detail)

        keeper = Thread(target=renew, name=f"lease-{lease.chunk}", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            finished.set()
            keeper.join()
