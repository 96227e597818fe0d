"""The one Celery task: a message that says which chunk may be waiting."""

from __future__ import annotations

from celery import Celery, Task

from cxr.errors import CxrError
from cxr.queue import ANSWER_CHUNK
from cxr.schemas import Chunk
from cxr.telemetry import logger
from cxr.telemetry.answers import CHUNKS
from cxr.telemetry.traces import TRACEPARENT
from worker.chunks import ChunkWorker
from worker.observed import in_hand

log = logger(__name__)


def register_tasks(app: Celery, chunk_worker: ChunkWorker) -> None:
    """Bind the task to the worker's parts. An error is logged and forgotten here: the ledger brings the chunk back."""

    @app.task(name=ANSWER_CHUNK, bind=True)  # type: ignore[untyped-decorator]
    def answer_chunk(task: Task, job_id: str, first: int, last: int) -> None:
        chunk = Chunk(job_id, first, last)
        with in_hand(chunk, str(task.request.get(TRACEPARENT) or "")):
            try:
                chunk_worker.answer(chunk)
            except CxrError as error:
                CHUNKS.labels(error.code).inc()
                log.warning("chunk_left_to_reconciler", chunk=str(chunk), code=error.code, detail=error.detail)
