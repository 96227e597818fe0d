"""A batch of films, stored once and judged as often as a bench likes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Protocol

from bench.films import image_of
from cxr.jobs import JobStore
from cxr.queue import ChunkQueue
from cxr.schemas import JobImage, JobState, QueueName
from tests.stack import Stack, wait_until

TIMEOUT_S = 1800.0
IMAGES_PER_CALL = 500
LOOK_S, LOOK_AT_ONE_S = 0.02, 0.003


class Submitter(Protocol):
    """What it takes to submit stored films: a whole stack, or a process that only feeds one."""

    @property
    def jobs(self) -> JobStore: ...

    @property
    def queue(self) -> ChunkQueue: ...


def stored(stack: Stack, films: Iterable[bytes]) -> list[JobImage]:
    """Put films into the BlobStore as the gateway does."""

    def store(content: bytes) -> JobImage:
        stack.blobs.put(content)
        return image_of(content)

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(store, films))


def submitted(stack: Submitter, images: list[JobImage], queue: QueueName = QueueName.BATCH) -> str:
    """Make a job of stored films and hint it to the workers; its id."""
    job_id = stack.jobs.create(queue)
    for first in range(0, len(images), IMAGES_PER_CALL):
        stack.jobs.append(job_id, [(image, None) for image in images[first : first + IMAGES_PER_CALL]])
    stack.queue.enqueue(queue, stack.jobs.submit(job_id))
    return job_id


def wait(stack: Submitter, job_id: str, begun: Event | None = None, stopping: Event | None = None) -> None:
    """Until the job is done; sets ``begun`` with its first answer, and cancels it when ``stopping`` is set."""
    deadline = time.monotonic() + TIMEOUT_S
    while (job := stack.jobs.job(job_id)).state not in (JobState.DONE, JobState.CANCELLED):
        if begun and job.answered:
            begun.set()
        if stopping and stopping.is_set():
            stack.jobs.cancel(job_id)
        if time.monotonic() > deadline:
            raise TimeoutError(f"{job} after {TIMEOUT_S:.0f} s")
        time.sleep(LOOK_AT_ONE_S if job.total == 1 else LOOK_S)
    if begun:
        begun.set()


def judged(
    stack: Submitter,
    images: list[JobImage],
    queue: QueueName = QueueName.BATCH,
    begun: Event | None = None,
    stopping: Event | None = None,
) -> float:
    """Seconds from accepted films to the last answer in the ledger; the job is forgotten, the films stay."""
    start = time.perf_counter()
    job_id = submitted(stack, images, queue)
    wait(stack, job_id, begun, stopping)
    seconds = time.perf_counter() - start
    stack.jobs.delete(job_id)  # with its answers, which would otherwise be reused for the same bytes
    return seconds


def warm(stack: Stack, images: list[JobImage], workers: int) -> None:
    """Let every worker answer something, so that nothing is measured that happens once."""
    wait_until(lambda: stack.model.ready(), TIMEOUT_S, "the model")
    for _ in range(2 * workers):
        judged(stack, images)
