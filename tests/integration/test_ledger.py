"""The ledger on a real Redis: each transition, and what must not be possible."""

from __future__ import annotations

import time

import pytest

from cxr.errors import EmptyFile, ImageNotFound, JobNotFound, LedgerUnavailable
from cxr.jobs import JobStore
from cxr.schemas import Chunk, JobImage, JobState, QueueName, Rejection
from tests.stack import Stack, free_port

ANSWER = Rejection.of(EmptyFile())


@pytest.fixture
def jobs(redis_stack: Stack) -> JobStore:
    redis_stack.jobs._redis.flushall()
    return JobStore(redis_stack.settings.redis_url, lease_s=0.2, retention_s=60, chunk_size=4)


def image(number: int) -> JobImage:
    return JobImage(name=f"film-{number}.png", sha256=f"{number:064x}", size_bytes=10)


def submitted(jobs: JobStore, images: int, queue: QueueName = QueueName.BATCH) -> tuple[str, list[Chunk]]:
    job_id = jobs.create(queue)
    jobs.append(job_id, [(image(number), None) for number in range(images)])
    return job_id, jobs.submit(job_id)


def test_a_job_goes_from_receiving_to_done(jobs: JobStore) -> None:
    job_id = jobs.create(QueueName.INTERACTIVE)
    assert jobs.job(job_id).state is JobState.RECEIVING
    jobs.append(job_id, [(image(0), None), (image(1), None)])
    [chunk] = jobs.submit(job_id)
    assert jobs.job(job_id).state is JobState.QUEUED
    lease = jobs.claim(chunk)
    assert lease is not None
    assert lease.waiting == {0: image(0), 1: image(1)}
    assert jobs.job(job_id).state is JobState.RUNNING
    assert jobs.record(chunk, {0: ANSWER, 1: ANSWER}, lease.token) == 2
    job = jobs.job(job_id)
    assert (job.state, job.answered, job.total) == (JobState.DONE, 2, 2)
    assert job.finished_at is not None
    assert job.finished_at >= job.created_at
    assert [row.result for row in jobs.results(job_id)] == [ANSWER, ANSWER]


def test_chunks_cover_every_image_once(jobs: JobStore) -> None:
    _, chunks = submitted(jobs, 10)
    assert [(chunk.first, chunk.last) for chunk in chunks] == [(0, 3), (4, 7), (8, 9)]


def test_a_job_of_rejections_is_done_at_once(jobs: JobStore) -> None:
    job_id = jobs.create(QueueName.BATCH)
    jobs.append(job_id, [(JobImage(name="empty.png", sha256=None, size_bytes=0), ANSWER)])
    assert jobs.submit(job_id) == []
    assert jobs.job(job_id).state is JobState.DONE


def test_rejected_images_are_not_given_to_workers(jobs: JobStore) -> None:
    job_id = jobs.create(QueueName.BATCH)
    jobs.append(job_id, [(JobImage(name="empty.png", sha256=None, size_bytes=0), ANSWER), (image(1), None)])
    [chunk] = jobs.submit(job_id)
    lease = jobs.claim(chunk)
    assert lease is not None
    assert list(lease.waiting) == [1]


def test_a_chunk_is_held_by_one_worker(jobs: JobStore) -> None:
    _, [chunk] = submitted(jobs, 2)
    assert jobs.claim(chunk) is not None
    assert jobs.claim(chunk) is None


def test_a_finished_chunk_is_not_claimed_again(jobs: JobStore) -> None:
    _, [chunk, _] = submitted(jobs, 8)
    lease = jobs.claim(chunk)
    assert lease is not None
    jobs.record(chunk, dict.fromkeys(lease.waiting, ANSWER), lease.token)
    assert jobs.claim(chunk) is None


def test_an_answer_is_written_once(jobs: JobStore) -> None:
    job_id, [chunk, _] = submitted(jobs, 8)
    other = Rejection(code="corrupt_image", message="another answer")
    assert jobs.record(chunk, {0: ANSWER, 1: ANSWER, 2: ANSWER, 3: ANSWER}) == 4
    assert jobs.record(chunk, {0: other, 1: other, 2: other, 3: other}) == 0
    assert jobs.job(job_id).answered == 4
    assert jobs.result(job_id, 0).result == ANSWER


def test_an_expired_lease_makes_the_chunk_overdue_image_by_image(jobs: JobStore) -> None:
    job_id, [chunk] = submitted(jobs, 3)
    jobs.claim(chunk)
    time.sleep(0.25)
    overdue = jobs.overdue(grace_s=60)
    assert [(entry.chunk, entry.stops) for entry in overdue] == [(Chunk(job_id, n, n), 1) for n in range(3)]
    assert jobs.claim(chunk) is None
    assert jobs.claim(overdue[0].chunk) is not None


def test_a_renewed_lease_is_not_overdue(jobs: JobStore) -> None:
    _, [chunk] = submitted(jobs, 3)
    lease = jobs.claim(chunk)
    assert lease is not None
    for _ in range(4):
        time.sleep(0.1)
        assert jobs.renew(lease)
    assert jobs.overdue(grace_s=60) == []


def test_a_released_chunk_comes_back_whole_and_unblamed(jobs: JobStore) -> None:
    _, [chunk] = submitted(jobs, 3)
    lease = jobs.claim(chunk)
    assert lease is not None
    jobs.release(lease, pause_s=0)
    [overdue] = jobs.overdue(grace_s=60)
    assert (overdue.chunk, overdue.stops) == (chunk, 0)


def test_a_lost_message_is_noticed_when_its_queue_is_empty(jobs: JobStore) -> None:
    _, [chunk] = submitted(jobs, 3)
    assert jobs.overdue(grace_s=60) == []
    [overdue] = jobs.overdue(grace_s=0)
    assert (overdue.chunk, overdue.queue) == (chunk, QueueName.BATCH)


def test_a_full_queue_is_not_hinted_again(jobs: JobStore) -> None:
    submitted(jobs, 3)
    jobs._redis.lpush(QueueName.BATCH.value, "a message that still waits")
    assert jobs.overdue(grace_s=0) == []


def test_deleting_returns_the_blobs_nobody_needs(jobs: JobStore) -> None:
    first, _ = submitted(jobs, 2)
    second, _ = submitted(jobs, 1)
    assert jobs.delete(first) == [image(1).sha256]
    assert jobs.needs_blob(str(image(0).sha256))
    assert jobs.delete(second) == [image(0).sha256]
    with pytest.raises(JobNotFound):
        jobs.job(first)


def test_answers_to_a_deleted_job_leave_nothing_behind(jobs: JobStore) -> None:
    job_id, [chunk] = submitted(jobs, 2)
    lease = jobs.claim(chunk)
    assert lease is not None
    jobs.delete(job_id)
    assert jobs.record(chunk, {0: ANSWER, 1: ANSWER}, lease.token) == 0
    assert jobs.claim(chunk) is None
    assert [key for key in jobs._redis.keys("*") if job_id in str(key)] == []


def test_results_are_read_in_order_across_pages(jobs: JobStore) -> None:
    job_id, _ = submitted(jobs, 1030)
    rows = list(jobs.results(job_id, start=500))
    assert [row.index for row in rows] == list(range(500, 1030))
    assert rows[-1].image == image(1029)


def test_unknown_jobs_and_images_have_their_own_errors(jobs: JobStore) -> None:
    job_id, _ = submitted(jobs, 1)
    for call in (
        jobs.job,
        jobs.delete,
        jobs.submit,
        lambda job: jobs.append(job, []),
        lambda job: list(jobs.results(job)),
    ):
        with pytest.raises(JobNotFound):
            call("no-such-job")
    for index in (-1, 1):
        with pytest.raises(ImageNotFound):
            jobs.result(job_id, index)


def test_a_submitted_job_takes_no_more_images(jobs: JobStore) -> None:
    job_id, _ = submitted(jobs, 1)
    with pytest.raises(JobNotFound):
        jobs.append(job_id, [(image(7), None)])


def test_redis_away_is_said_in_our_words() -> None:
    away = JobStore(f"redis://127.0.0.1:{free_port()}/0", lease_s=1, retention_s=1, chunk_size=1)
    with pytest.raises(LedgerUnavailable):
        away.ping()
