"""``python -m bench.feeder``: keeps workers busy with a batch until its input ends.

A process of its own, so that who waits for one film meanwhile shares no interpreter with it. The first line of input is
the batch, as JSON; it answers with a line when the first film is judged.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread

from pydantic import TypeAdapter

from bench.batches import judged
from cxr.jobs import JobStore, Ledger
from cxr.queue import ChunkQueue, celery_app
from cxr.schemas import JobImage
from cxr.settings import Settings
from deploy.local.settings import ROOT
from tests.stack import Stack

BATCH = TypeAdapter(list[JobImage])


@dataclass(frozen=True)
class Feeder:
    """The door to the ledger and the queue."""

    jobs: JobStore
    queue: ChunkQueue


@contextmanager
def busy(stack: Stack, images: list[JobImage]) -> Iterator[None]:
    """While stored images are judged again and again; begins with the first answer, ends with the job in hand."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.feeder"],
        cwd=ROOT,
        env=stack.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(BATCH.dump_json(images) + b"\n")
        process.stdin.flush()
        process.stdout.readline()
        yield
    finally:
        process.communicate()


def feed() -> None:
    """Judge the batch of the first line again and again, until there is no more input."""
    images = BATCH.validate_json(sys.stdin.readline())
    settings = Settings()
    feeder = Feeder(JobStore(Ledger(settings.redis_url), settings), ChunkQueue(celery_app(settings.redis_url)))
    begun, stopping = Event(), Event()
    Thread(target=_say_when, args=(begun,), daemon=True).start()
    Thread(target=_stop_at_the_end, args=(stopping,), daemon=True).start()
    while not stopping.is_set():
        judged(feeder, images, begun=begun, stopping=stopping)


def _say_when(begun: Event) -> None:
    begun.wait()
    print("begun", flush=True)


def _stop_at_the_end(stopping: Event) -> None:
    sys.stdin.read()
    stopping.set()


if __name__ == "__main__":
    feed()
