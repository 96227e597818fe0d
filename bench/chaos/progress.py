"""Says every few seconds how far a trial is, and when the whole run will be over."""

from __future__ import annotations

import time
from threading import Event, Thread

SAY_EVERY_S = 15.0


class Progress:
    """Of one row among several; ``spent`` (seconds, images) on the rows before tells how long those after will take."""

    def __init__(self, name: str, place: str, images_after: int, spent: tuple[float, int]) -> None:
        self._name, self._place, self._images_after, self._spent = name, place, images_after, spent
        self._answered, self._total, self._started = 0, 0, time.monotonic()
        self._over, self._thread = Event(), Thread(target=self._run, daemon=True)

    def __enter__(self) -> Progress:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def so_far(self, answered: int, total: int) -> None:
        self._answered, self._total = answered, total

    def _run(self) -> None:
        while not self._over.wait(SAY_EVERY_S):
            took_s = time.monotonic() - self._started
            left = ""
            if self._answered:
                this_s = took_s / self._answered * (self._total - self._answered)
                spent_s, spent_images = self._spent[0] + took_s, self._spent[1] + self._answered
                all_s = this_s + spent_s / spent_images * self._images_after
                left = f"; about {_spoken(this_s)} left of it, {_spoken(all_s)} of all"
            print(f"{self._place} {self._name}: {self._answered:,} of {self._total:,} answered{left}", flush=True)


def _spoken(duration_s: float) -> str:
    return f"{duration_s:.0f} s" if duration_s < 90 else f"{duration_s / 60:.0f} min"
