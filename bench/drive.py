"""Do one thing again and again for a while, from several threads, and note how long each time took."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Thread


@dataclass(frozen=True)
class Measurement:
    """What was done: images, by the clock, in processor time of this process; and each call's time."""

    images: int
    clock_s: float
    processor_s: float
    calls_s: tuple[float, ...]

    @property
    def images_per_s(self) -> float:
        return self.images / self.clock_s

    @property
    def median_ms(self) -> float:
        return 1000 * sorted(self.calls_s)[len(self.calls_s) // 2]


def drive(call: Callable[[], int], seconds: float, in_flight: int = 1) -> Measurement:
    """``call`` answers how many images it did; ``in_flight`` threads call it until ``seconds`` have passed."""
    done: list[tuple[int, float]] = []
    failed: list[BaseException] = []
    start, processor_start = time.perf_counter(), time.process_time()

    def repeat() -> None:
        try:
            while True:
                before = time.perf_counter()
                done.append((call(), time.perf_counter() - before))
                if time.perf_counter() - start > seconds:
                    return
        except BaseException as error:  # noqa: BLE001  (raised again where the measurement is awaited)
            failed.append(error)

    threads = [Thread(target=repeat, daemon=True) for _ in range(in_flight)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    images = sum(count for count, _ in done)
    clock_s, processor_s = time.perf_counter() - start, time.process_time() - processor_start
    return Measurement(images, clock_s, processor_s, tuple(call_s for _, call_s in done))
