"""Names of queues and tasks, and how a chunk is hinted to the workers."""

from __future__ import annotations

from collections.abc import Iterable

from celery import Celery
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError

from cxr.errors import QueueUnavailable
from cxr.schemas import Chunk, HintQueue, QueueName
from cxr.sentinel import watched_primary
from cxr.telemetry.traces import TRACEPARENT, traceparent

ANSWER_CHUNK = "answer_chunk"
SOFT_SHUTDOWN_S = 15.0  # what a second signal, or SIGQUIT, still leaves to the chunks in hand


def celery_app(redis_url: str) -> Celery:
    """The Celery application of producers and workers alike; nothing connects before it is used.

    A message carries ``(job id, first image, last image)`` and may be lost or delivered twice without harm, so results
    are not kept in Celery, a message is acknowledged after its work, and the visibility timeout may be short
    (docs/decisions/0008-celery.md explains each setting).
    """
    watched = watched_primary(redis_url)
    app = Celery("pneumoserve", broker=watched.broker_url if watched else redis_url)
    app.conf.update(
        task_queues=[_queue(name) for name in HintQueue],
        task_default_queue=QueueName.BATCH.value,
        task_ignore_result=True,
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        worker_enable_prefetch_count_reduction=False,  # worker.lanes sets the counts
        worker_soft_shutdown_timeout=SOFT_SHUTDOWN_S,
        broker_connection_retry_on_startup=True,
        broker_transport_options={
            "queue_order_strategy": "priority",  # the queues are emptied in the order of task_queues
            "visibility_timeout": 300,
            "socket_timeout": 10,
            **({"master_name": watched.name} if watched else {}),
        },
    )
    return app


def _queue(name: HintQueue) -> Queue:
    return Queue(name.value, Exchange(name.value), routing_key=name.value)  # type: ignore[no-untyped-call]


class ChunkQueue:
    """Where gateway and reconciler put hints. Raises ``QueueUnavailable`` when the broker is away."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def enqueue(self, queue: QueueName | HintQueue, chunks: Iterable[Chunk]) -> None:
        """Send one message per chunk, over one connection; each carries the trace it was sent in."""
        headers = {TRACEPARENT: traceparent()}
        try:
            with self._app.producer_or_acquire() as producer:
                for chunk in chunks:
                    arguments = (chunk.job_id, chunk.first, chunk.last)
                    self._app.send_task(
                        ANSWER_CHUNK, arguments, queue=queue.value, producer=producer, retry=False, headers=headers
                    )
        except OperationalError as error:
            raise QueueUnavailable(type(error).__name__) from error
