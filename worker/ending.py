"""A worker that is to stop lets go first of what waits for others, whether a signal or a message told it to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import Celery, bootsteps


def with_ending(app: Celery, stop: Callable[[], None]) -> None:
    """Have the worker of ``app`` call ``stop``, which raises nothing, before it waits for the chunks in hand.

    Celery's own signal for it, ``worker_shutting_down``, is sent by the handlers of signals alone.
    """

    class Ending(EndingStep):
        lets_go = staticmethod(stop)

    app.steps["worker"].add(Ending)


class EndingStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """Part of Celery's worker: every part is closed before any is stopped, and the pool is stopped last."""

    requires = ("celery.worker.components:Pool",)
    lets_go: Callable[[], None]

    def close(self, worker: Any) -> None:  # noqa: ARG002  (Celery hands it over)
        self.lets_go()
