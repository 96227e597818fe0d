"""A batch of films, stored once and judged as often as a bench likes."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from bench.films import image_of
from cxr.schemas import JobImage, JobState, QueueName
from tests.stack import Stack, wait_until

TIMEOUT_S = 1800.0
IMAGES_PER_CALL = 500
LOOK_S = 0.02


def stored(stack: Stack, films: Iterable[bytes]) -> list[JobImage]:
    """Put films into the BlobStore as the gateway does."""

    def store(content: bytes) -> JobImage:
        stack.blobs.put(content)
        return image_of(content)

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(store, films))


def submitted(stack: Stack, images: list[JobImage], queue: QueueName = QueueName.BATCH) -> str:
    """Make a job of stored films and hint it to the workers; its id."""
    job_id = stack.jobs.create(queue)
    for first in range(0, len(images), IMAGES_PER_CALL):
        stack.jobs.append(job_id, [(image, None) for image in images[first : first + IMAGES_PER_CALL]])
    stack.queue.enqueue(queue, stack.jobs.submit(job_id))
    return job_id


def wait(stack: Stack, job_id: str) -> None:
    """Until the job is done."""
    deadline = time.monotonic() + TIMEOUT_S
    while stack.jobs.job(job_id).state is not JobState.DONE:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{stack.jobs.job(job_id)} after {TIMEOUT_S:.0f} s")
        time.sleep(LOOK_S)


def judged(stack: Stack, images: list[JobImage]) -> float:
    """Seconds from accepted films to the last answer in the ledger; the job is forgotten, the films stay."""
    start = time.perf_counter()
    job_id = submitted(stack, images)
    wait(stack, job_id)
    seconds = time.perf_counter() - start
    stack.jobs.delete(job_id)  # with its answers, which would otherwise be reused for the same bytes
    return seconds


def warm(stack: Stack, images: list[JobImage], workers: int) -> None:
    """Let every worker answer something, so that nothing is measured that happens once."""
    wait_until(lambda: stack.model.ready(), TIMEOUT_S, "the model")
    for _ in range(2 * workers):
        judged(stack, images)
