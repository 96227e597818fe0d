"""Which workers answer over the broker, and how one of them is told to stop."""

from __future__ import annotations

from celery import Celery
from kombu.exceptions import OperationalError

from cxr.errors import QueueUnavailable

ANSWERS_WITHIN_S = 2.0


class Roster:
    """Every method raises ``QueueUnavailable`` when the broker is away."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def in_hand(self) -> dict[str, int]:
        """How many chunks each worker that answers has in hand, by the worker's name."""
        try:
            answers = self._app.control.inspect(timeout=ANSWERS_WITHIN_S).active() or {}
        except OperationalError as error:
            raise QueueUnavailable(type(error).__name__) from error
        return {name: len(tasks) for name, tasks in sorted(answers.items())}

    def drain(self, name: str) -> None:
        """Tell a worker to finish what it has in hand and stop."""
        try:
            self._app.control.shutdown(destination=[name])
        except OperationalError as error:
            raise QueueUnavailable(type(error).__name__) from error
