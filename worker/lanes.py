"""Two lanes in one worker: interactive chunks have threads of their own, so they never wait until batch chunks end."""

from __future__ import annotations

from typing import Any

from celery import Celery, bootsteps
from kombu.common import ignore_errors

from cxr.schemas import HintQueue

BATCH_LANE = (HintQueue.RECOVERED, HintQueue.BATCH)  # in this order


def with_lanes(app: Celery, chunks_per_lane: int) -> dict[str, Any]:
    """Give the worker of ``app`` its interactive lane; the options of Celery's worker that go with it.

    Celery's own consumer takes the batch lane's messages, ``chunks_per_lane`` at a time; a second consumer, on a
    channel of its own and so with a prefetch count of its own, takes the interactive ones.
    """

    class Interactive(InteractiveLane):
        chunks = chunks_per_lane

    app.steps["consumer"].add(Interactive)
    return {"queues": list(BATCH_LANE), "concurrency": 2 * chunks_per_lane, "pool": "threads"}


class InteractiveLane(bootsteps.StartStopStep):  # type: ignore[misc]
    """Part of Celery's consumer: started with each connection to the broker, stopped when it is lost or at the end."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    chunks = 1

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._taken: Any = None
        consumer.initial_prefetch_count = self.chunks  # the batch lane's share of the threads

    def start(self, consumer: Any) -> None:
        queue = consumer.app.amqp.queues[HintQueue.INTERACTIVE.value]
        self._taken = consumer.app.amqp.TaskConsumer(
            consumer.connection.channel(), queues=[queue], on_decode_error=consumer.on_decode_error
        )
        self._taken.qos(prefetch_count=self.chunks)
        self._taken.on_message = consumer.create_task_handler()
        self._taken.consume()

    def stop(self, consumer: Any) -> None:
        if self._taken:
            ignore_errors(consumer, self._taken.cancel)  # type: ignore[no-untyped-call]

    def shutdown(self, consumer: Any) -> None:
        if self._taken:
            self.stop(consumer)
            ignore_errors(consumer, self._taken.close)  # type: ignore[no-untyped-call]
            self._taken = None
