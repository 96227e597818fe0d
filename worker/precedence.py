"""Interactive before batch: while an interactive chunk is in hand, batch chunks pause at their next slice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from cxr.schemas import QueueName


class Precedence:
    """Among the chunks of one worker. A chunk enters it last, so that whoever is inside never waits for batch work."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._interactive = 0

    @contextmanager
    def of(self, queue: QueueName) -> Iterator[None]:
        """While a chunk of this queue is in hand."""
        urgent = int(queue is QueueName.INTERACTIVE)
        with self._changed:
            self._interactive += urgent
        try:
            yield
        finally:
            with self._changed:
                self._interactive -= urgent
                self._changed.notify_all()

    def give_way(self, queue: QueueName) -> None:
        """Return at once to an interactive chunk, to a batch chunk when no interactive one is in hand."""
        if queue is QueueName.BATCH:
            with self._changed:
                self._changed.wait_for(lambda: not self._interactive)
