"""One chunk from claim to answers."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from concurrent.futures import Executor

from cxr.blobs import BlobStore
from cxr.errors import ContractBroken, FilmLost, LedgerUnavailable, ModelUnavailable, Unavailable
from cxr.jobs import Lease, Leases
from cxr.predictor import Predictor
from cxr.schemas import Chunk, Prediction, QueueName, Rejection
from cxr.telemetry import logger, stage
from cxr.telemetry.answers import CHUNKS
from worker.breaker import Breaker
from worker.keeper import Keeper
from worker.observed import AnswerCount
from worker.precedence import Precedence
from worker.quarantine import Quarantine

log = logger(__name__)

RECORD_PAUSES_S = (0.5, 1, 2, 4)  # between attempts to write answers while the ledger is away
PAUSE_S = (0.5, 1.5)  # before a chunk is tried again whose model or bytes were away


class ChunkWorker:
    """Claims chunks and answers them; safe to call for the same chunk any number of times."""

    def __init__(
        self,
        leases: Leases,
        blobs: BlobStore,
        predictors: Mapping[QueueName, Predictor],
        breaker: Breaker,
        threads: Executor,
        *,
        lease_s: float,
        slice_images: int,
        count: AnswerCount,
    ) -> None:
        self._leases, self._blobs, self._predictors, self._count = leases, blobs, predictors, count
        self._breaker, self._threads, self._lease_s = breaker, threads, lease_s
        self._slice_images = slice_images
        self._quarantine, self._precedence = Quarantine(), Precedence()

    def answer(self, chunk: Chunk) -> int:
        """Answer what is unanswered of ``chunk``; returns how many images got their answer from this call.

        While the model is away this waits for it. When a part fails in the middle (or the served model is one this
        program does not understand), the chunk goes back to the ledger and is tried again after a pause; that costs it
        no attempt. An image that was in hand when a worker stopped is tried alone. Raises ``LedgerUnavailable`` when
        the ledger stays away.
        """
        if not self._breaker.wait():
            return 0
        suspect = chunk.first == chunk.last and self._leases.stops(chunk) > 0
        with self._quarantine.alone() if suspect else self._quarantine.in_company():
            return self._answer(chunk)

    def _answer(self, chunk: Chunk) -> int:
        with stage("claim"):
            lease = self._leases.claim(chunk)
        if lease is None:
            CHUNKS.labels("nothing_to_do").inc()
            return 0
        try:
            keeper = Keeper(self._leases, lease, self._lease_s)
            with keeper.kept(), self._precedence.of(lease.queue):
                answers = self._answers(lease, keeper)
                with stage("record", images=len(answers)):
                    new = self._recorded(lease, answers)
        except (Unavailable, ContractBroken) as error:
            if isinstance(error, ModelUnavailable | ContractBroken):
                self._breaker.open()
            pause_s = random.uniform(*PAUSE_S)  # noqa: S311  (spreads retries; nothing secret)
            CHUNKS.labels(error.code).inc()
            log.warning("chunk_put_off", chunk=str(chunk), code=error.code, detail=error.detail)
            self._leases.release(lease, pause_s)
            return 0
        if new:
            self._count.add(chunk, answers)
        log.info("chunk_answered", chunk=str(chunk), images=len(answers), new=new, model_version=_version(answers))
        return new

    def _answers(self, lease: Lease, keeper: Keeper) -> dict[int, Prediction | Rejection]:
        """Answers by index: known ones of this model for the same bytes, the others from the predictor."""
        predictor = self._predictors[lease.queue]
        hashes = {index: image.sha256 for index, image in lease.waiting.items() if image.sha256}
        with keeper.asking():
            model = predictor.model()
        known = self._leases.known_answers(hashes.values(), model)
        answers = {index: known[sha256] for index, sha256 in hashes.items() if sha256 in known}
        unknown = {index: sha256 for index, sha256 in hashes.items() if sha256 not in known}
        for first in range(0, len(unknown), self._slice_images):
            self._precedence.give_way(lease.queue)
            places = list(unknown)[first : first + self._slice_images]
            with stage("read", images=len(places)):
                found = list(self._threads.map(self._read, [unknown[index] for index in places]))
            contents = [content for content in found if not isinstance(content, Rejection)]
            judged = iter(predictor.predict(contents, keeper.asking) if contents else ())
            said = [content if isinstance(content, Rejection) else next(judged) for content in found]
            answers |= dict(zip(places, said, strict=True))
        return {index: lease.waiting[index].noted(answer) for index, answer in answers.items()}

    def _read(self, sha256: str) -> bytes | Rejection:
        try:
            return self._blobs.get(sha256)
        except FilmLost as error:
            return Rejection.of(error)

    def _recorded(self, lease: Lease, answers: dict[int, Prediction | Rejection]) -> int:
        """Write the answers, patiently: a ledger that restarts must not cost the work, nor the chunk an attempt."""
        for pause_s in RECORD_PAUSES_S:
            try:
                return self._leases.record(lease.chunk, answers, lease.token, lease.waiting)
            except LedgerUnavailable as error:
                log.warning("answers_not_recorded", chunk=str(lease.chunk), detail=error.detail)
                time.sleep(pause_s)
        return self._leases.record(lease.chunk, answers, lease.token, lease.waiting)


def _version(answers: dict[int, Prediction | Rejection]) -> int | None:
    """The model version that answered, if a model was asked at all."""
    return next((answer.model.version for answer in answers.values() if answer.model), None)
