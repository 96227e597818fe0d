"""What may have stopped a worker is tried alone, so that nothing else is blamed if it does so again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Quarantine:
    """Lets chunks be worked on side by side, and a suspect by itself; a suspect that waits goes before new company."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._in_company = self._suspects_waiting = 0
        self._suspect_inside = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nothing is in hand, and keep it so."""
        with self._changed:
            self._suspects_waiting += 1
            self._changed.wait_for(lambda: not self._suspect_inside and not self._in_company)
            self._suspects_waiting -= 1
            self._suspect_inside = True
        try:
            yield
        finally:
            with self._changed:
                self._suspect_inside = False
                self._changed.notify_all()

    @contextmanager
    def in_company(self) -> Iterator[None]:
        """Work beside others, but not beside a suspect."""
        with self._changed:
            self._changed.wait_for(lambda: not self._suspect_inside and not self._suspects_waiting)
            self._in_company += 1
        try:
            yield
        finally:
            with self._changed:
                self._in_company -= 1
                self._changed.notify_all()
