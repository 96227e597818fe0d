"""From the queue to the answers: real Redis, real Celery worker, real Triton."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cxr.jobs import Backlog
from cxr.jobs.ledger import DRAINED_PREFIX
from cxr.schemas import Chunk, JobState, Prediction, QueueName, Rejection
from tests.files import dicom, grey_ramp, jpeg, png
from tests.stack import Stack, wait_until


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack that a test may break: short leases, so that recovery is quick."""
    stack = Stack(tmp_path, CXR_LEASE_S="2", CXR_CHUNK_SIZE="8")
    try:
        stack.start("redis", "triton", "worker")
        yield stack
    finally:
        stack.close()


def distinct_films(count: int) -> list[bytes]:
    """Films that differ in one pixel, so that each is an image of its own."""
    films = []
    for number in range(count):
        pixels = grey_ramp()
        pixels[number // 300, number % 300] ^= 0xFF
        films.append(png(pixels))
    return films


def test_every_image_is_answered_by_the_served_model(stack: Stack) -> None:
    answers = stack.results(stack.submit([png(), jpeg(), dicom(), b"not a film"], QueueName.INTERACTIVE))
    served = stack.model.served()
    assert [type(answer) for answer in answers[3:]] == [Rejection]
    for answer in answers[:3]:
        assert answer.model == served.identity


def test_real_films_get_findings_with_heatmaps_that_add_up(stack: Stack, originals: list[Path]) -> None:
    import math

    answers = stack.results(stack.submit([path.read_bytes() for path in originals[:8]]))
    predictions = [answer for answer in answers if isinstance(answer, Prediction)]
    assert len(predictions) >= 7
    for prediction in predictions:
        log_odds = sum(sum(row) for row in prediction.heatmap)
        assert 1 / (1 + math.exp(-log_odds)) == pytest.approx(prediction.probability, abs=0.01)


def test_a_message_delivered_twice_answers_once(stack: Stack) -> None:
    """Nor is it counted twice, in the job, the backlog, or what was done in each stretch of time."""
    redis = stack.ledger.redis

    def done() -> dict[str, int]:
        return {str(key): int(redis.get(key) or 0) for key in redis.keys(f"{DRAINED_PREFIX}*")}

    before = done()
    job_id = stack.submit(distinct_films(10))
    for _ in range(3):
        stack.queue.enqueue(QueueName.BATCH, [Chunk(job_id, 0, 9)])
    stack.results(job_id)
    wait_until(lambda: not redis.exists("batch", "unacked"), 60, "every message to be acknowledged")
    assert stack.jobs.job(job_id).answered == 10
    assert sum(count - before.get(key, 0) for key, count in done().items()) == 10
    assert Backlog(stack.ledger).standing().images == 0


def test_a_lost_message_is_found(own_stack: Stack) -> None:
    own_stack.stop("worker")
    job_id = own_stack.submit(distinct_films(10))
    own_stack.ledger.redis.delete("batch", "interactive")
    own_stack.start("worker")
    assert len(own_stack.results(job_id)) == 10


def test_a_film_that_is_gone_from_the_store_is_answered_and_holds_nobody_up(own_stack: Stack) -> None:
    wait_until(own_stack.blobs.installation, 30, "the store to know whose it is")
    own_stack.stop("worker")
    job_id = own_stack.submit(distinct_films(3))
    gone = own_stack.jobs.result(job_id, 1).image.sha256
    own_stack.blobs.discard([str(gone)], unneeded=lambda hashes: hashes)
    own_stack.start("worker")
    codes = [getattr(answer, "code", None) for answer in own_stack.results(job_id)]
    assert codes[1] == "film_lost"
    assert "film_lost" not in (codes[0], codes[2])


def test_interactive_work_overtakes_a_batch(own_stack: Stack) -> None:
    own_stack.stop("worker")
    batch = own_stack.submit(distinct_films(400))
    single = own_stack.submit([jpeg()], QueueName.INTERACTIVE)
    own_stack.start("worker")
    own_stack.results(single)
    own_stack.results(batch)
    finished = [own_stack.jobs.job(job_id).finished_at for job_id in (single, batch)]
    assert finished[0] is not None
    assert finished[1] is not None
    assert finished[0] < finished[1]


def test_triton_may_stop_in_mid_job(own_stack: Stack) -> None:
    job_id = own_stack.submit(distinct_films(400))
    wait_until(lambda: own_stack.jobs.job(job_id).answered > 0, 30, "the first answers")
    own_stack.stop("triton")
    assert own_stack.jobs.job(job_id).state is JobState.RUNNING
    time.sleep(3)
    own_stack.start("triton")
    answers = own_stack.results(job_id, timeout_s=120)
    assert len(answers) == 400
    assert {answer.code for answer in answers if isinstance(answer, Rejection)} <= {"not_chest_xray"}
    assert own_stack.alive("worker")


def test_a_film_is_not_to_blame_for_a_worker_that_is_killed_while_it_waits_for_triton(own_stack: Stack) -> None:
    own_stack.results(own_stack.submit([png()]))
    os.kill(own_stack.pid("triton"), signal.SIGSTOP)
    job_id = own_stack.submit([jpeg()])
    attempts, chunk = f"cxr:job:{job_id}:attempts", Chunk(job_id, 0, 0)
    wait_until(lambda: own_stack.ledger.redis.hexists(attempts, f"excused:{chunk}"), 60, "a worker to wait")
    own_stack.stop("worker", signal.SIGKILL)
    own_stack.start("worker")
    wait_until(lambda: own_stack.leases.stops(chunk) == 0, 60, "the attempt to be forgiven")
    os.kill(own_stack.pid("triton"), signal.SIGCONT)
    [answer] = own_stack.results(job_id)
    assert answer.model == own_stack.model.served().identity


def test_a_killed_worker_loses_nothing(own_stack: Stack) -> None:
    job_id = own_stack.submit(distinct_films(400))
    wait_until(lambda: own_stack.jobs.job(job_id).answered > 0, 30, "the first answers")
    own_stack.stop("worker", signal.SIGKILL)
    own_stack.start("worker")
    answers = own_stack.results(job_id, timeout_s=120)
    assert len(answers) == 400
    assert {answer.code for answer in answers if isinstance(answer, Rejection)} <= {"not_chest_xray"}
