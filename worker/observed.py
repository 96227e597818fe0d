"""What is seen of a chunk: its trace goes on from the upload's, its log lines carry the job, its answers are counted.

The chunk's span is a child of the upload's, not linked to it: a chunk belongs to one job, so one trace holds it all. (A
link is for work that serves several traces at once, such as a batch of requests; that happens inside Triton only.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from structlog.contextvars import bound_contextvars

from cxr.errors import CxrError
from cxr.jobs import Origins
from cxr.predictor import Predictor
from cxr.schemas import Chunk, Prediction, Rejection
from cxr.telemetry import logger
from cxr.telemetry.answers import CHUNKS_IN_HAND, ServedModelGauge, chunk_answered
from cxr.telemetry.traces import SpanKind, continued, span

log = logger(__name__)


@contextmanager
def in_hand(chunk: Chunk, traceparent: str) -> Iterator[None]:
    """While a chunk is worked on."""
    with (
        continued(traceparent),
        span("chunk", SpanKind.CONSUMER, job_id=chunk.job_id, first=chunk.first, last=chunk.last),
        bound_contextvars(job_id=chunk.job_id),
        CHUNKS_IN_HAND.track_inprogress(),
    ):
        yield


class AnswerCount:
    """Counts what was answered, once for each chunk."""

    def __init__(self, origins: Origins, predictor: Predictor) -> None:
        self._origins, self._predictor = origins, predictor
        self._served = ServedModelGauge()

    def add(self, chunk: Chunk, answers: Mapping[int, Prediction | Rejection]) -> None:
        """Count a recorded chunk. What cannot be asked for the count is left out: the answers stand."""
        predictions = [answer for answer in answers.values() if isinstance(answer, Prediction)]
        refusals = Counter(answer.code for answer in answers.values() if isinstance(answer, Rejection))
        findings = Counter((answer.finding.value, answer.model.version) for answer in predictions)
        probabilities = [answer.probability for answer in predictions]
        try:
            origin = self._origins.of(chunk.job_id)
            chunk_answered(origin.queue, origin.age_s, findings, refusals, probabilities)
            if predictions:
                model = predictions[-1].model
                reference = self._predictor.reference_histogram(model.version)
                self._served.answered(model.name, model.version, model.engine, probabilities, reference)
        except CxrError as error:
            log.warning("chunk_not_counted", code=error.code)
