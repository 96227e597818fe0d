"""Interactive before batch: while batch chunks hold all their threads, an interactive film is answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.chaos.faults import MORTAL
from bench.chaos.films import film
from cxr.jobs.ledger import HELD
from cxr.schemas import QueueName
from tests.ledger_jobs import image_of
from tests.stack import Stack, wait_until

BATCH_FILMS = 12


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, str]]:
    """A worker whose batch lane is full of chunks that do not end, and the batch job."""
    folder = tmp_path_factory.mktemp("busy")
    fates = folder / "fates"
    fates.mkdir()
    (fates / "hold").touch()
    stack = Stack(folder, MORTAL, CXR_CHAOS_FATES=str(fates), CXR_CHUNK_SIZE="2", CXR_WORKER_CONCURRENCY="2")
    try:
        stack.start("redis", "triton", "worker")
        job_id = stack.submit([film(1, number) for number in range(BATCH_FILMS)])
        wait_until(lambda: stack.ledger.redis.zcard(HELD) == 2, 60, "the batch lane to be full")
        yield stack, job_id
        (fates / "hold").unlink()
        stack.results(job_id, 120)
    finally:
        stack.close()


def test_an_interactive_film_does_not_wait_for_batch_chunks(busy: tuple[Stack, str]) -> None:
    stack, batch = busy
    for number in range(3):
        stack.results(stack.submit([film(2, number)], QueueName.INTERACTIVE), 60)
    assert stack.jobs.job(batch).answered == 0


def test_an_interactive_film_whose_message_was_lost_does_not_wait_either(busy: tuple[Stack, str]) -> None:
    stack, batch = busy
    content = film(3, 0)
    job_id = stack.jobs.create(QueueName.INTERACTIVE)
    stack.jobs.append(job_id, [(image_of(content), None)])
    stack.blobs.put(content)
    stack.jobs.submit(job_id)  # and nobody is told
    stack.results(job_id, 60)
    assert stack.jobs.job(batch).answered == 0
