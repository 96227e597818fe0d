"""The ledger on a real Redis: each transition, and what must not be possible."""

from __future__ import annotations

import pytest

from cxr.errors import ImageNotFound, JobNotFound, LedgerUnavailable, RateExceeded
from cxr.jobs import JobStore, Leases, Ledger
from cxr.jobs.ledger import HELD, lease_key
from cxr.schemas import Chunk, HintQueue, JobImage, JobState, ModelIdentity, QueueName, Rejection
from cxr.settings import Settings
from tests.ledger_jobs import ANSWER, image, lease_runs_out, submitted
from tests.stack import free_port

MODEL = ModelIdentity(name="m", version=1, engine="e")


def test_a_job_goes_from_receiving_to_done(jobs: JobStore, leases: Leases) -> None:
    job_id = jobs.create(QueueName.INTERACTIVE)
    assert jobs.job(job_id).state is JobState.RECEIVING
    jobs.append(job_id, [(image(0), None), (image(1), None)])
    [chunk] = jobs.submit(job_id)
    assert jobs.job(job_id).state is JobState.QUEUED
    lease = leases.claim(chunk)
    assert lease is not None
    assert lease.waiting == {0: image(0), 1: image(1)}
    assert jobs.job(job_id).state is JobState.RUNNING
    assert leases.record(chunk, {0: ANSWER, 1: ANSWER}, lease.token) == 2
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


def test_rejected_images_are_not_given_to_workers(jobs: JobStore, leases: Leases) -> None:
    job_id = jobs.create(QueueName.BATCH)
    jobs.append(job_id, [(JobImage(name="empty.png", sha256=None, size_bytes=0), ANSWER), (image(1), None)])
    [chunk] = jobs.submit(job_id)
    lease = leases.claim(chunk)
    assert lease is not None
    assert list(lease.waiting) == [1]


def test_a_chunk_is_held_by_one_worker(jobs: JobStore, leases: Leases) -> None:
    _, [chunk] = submitted(jobs, 2)
    assert leases.claim(chunk) is not None
    assert leases.claim(chunk) is None


def test_a_finished_chunk_is_not_claimed_again(jobs: JobStore, leases: Leases) -> None:
    _, [chunk, _] = submitted(jobs, 8)
    lease = leases.claim(chunk)
    assert lease is not None
    leases.record(chunk, dict.fromkeys(lease.waiting, ANSWER), lease.token)
    assert leases.claim(chunk) is None


def test_an_answer_is_written_once(jobs: JobStore, leases: Leases) -> None:
    job_id, [chunk, _] = submitted(jobs, 8)
    other = Rejection(code="corrupt_image", message="another answer")
    assert leases.record(chunk, {0: ANSWER, 1: ANSWER, 2: ANSWER, 3: ANSWER}) == 4
    assert leases.record(chunk, {0: other, 1: other, 2: other, 3: other}) == 0
    assert jobs.job(job_id).answered == 4
    assert jobs.result(job_id, 0).result == ANSWER


def test_an_expired_lease_makes_the_chunk_overdue_image_by_image(
    jobs: JobStore, leases: Leases, ledger: Ledger
) -> None:
    job_id, [chunk] = submitted(jobs, 3)
    lease = leases.claim(chunk)
    assert lease is not None
    assert leases.overdue(60) == []
    lease_runs_out(ledger, lease)
    overdue = leases.overdue(60)
    assert [(entry.chunk, entry.stops) for entry in overdue] == [(Chunk(job_id, n, n), 1) for n in range(3)]
    assert leases.claim(chunk) is None
    assert leases.claim(overdue[0].chunk) is not None


def test_of_two_chunks_that_stopped_workers_each_starts_again_at_once(
    jobs: JobStore, leases: Leases, ledger: Ledger
) -> None:
    _, [first, second] = submitted(jobs, 7)
    for chunk in (first, second):
        lease = leases.claim(chunk)
        assert lease is not None
        lease_runs_out(ledger, lease)
    places = [entry.chunk.first for entry in leases.overdue(60)]
    assert places == [0, 4, 1, 5, 2, 6, 3]


def test_a_chunk_that_is_hinted_again_goes_before_the_batch_and_does_not_overtake_it(
    jobs: JobStore, leases: Leases, ledger: Ledger
) -> None:
    """Its claim must not make those that wait behind it look lost."""
    _, [given_back, *waiting] = submitted(jobs, 12)
    lease = leases.claim(given_back)
    assert lease is not None
    leases.release(lease, pause_s=0)
    ledger.redis.lpush(QueueName.BATCH.value, "the messages of those that wait")
    [overdue] = leases.overdue(0)
    assert (overdue.chunk, overdue.queue) == (given_back, HintQueue.RECOVERED)
    assert leases.claim(given_back) is not None
    assert [leases.overdue(0) for _ in range(3)] == [[], [], []]
    assert all(leases.claim(chunk) for chunk in waiting)


def test_an_interactive_chunk_is_hinted_again_among_interactive_ones(jobs: JobStore, leases: Leases) -> None:
    _, [chunk] = submitted(jobs, 3, QueueName.INTERACTIVE)
    lease = leases.claim(chunk)
    assert lease is not None
    leases.release(lease, pause_s=0)
    assert [entry.queue for entry in leases.overdue(0)] == [HintQueue.INTERACTIVE]


def test_a_renewed_lease_is_not_overdue(jobs: JobStore, leases: Leases, ledger: Ledger) -> None:
    _, [chunk] = submitted(jobs, 3)
    lease = leases.claim(chunk)
    assert lease is not None
    ledger.redis.pexpire(lease_key(chunk), 60_000)
    ledger.redis.zadd(HELD, {str(chunk): 1})
    assert leases.renew(lease)
    assert ledger.redis.pttl(lease_key(chunk)) > 60_000
    assert leases.overdue(60) == []


def test_a_lease_lasts_as_long_as_it_is_set_to(jobs: JobStore, leases: Leases, ledger: Ledger) -> None:
    _, [chunk] = submitted(jobs, 3)
    before = ledger.now_ms()
    assert leases.claim(chunk) is not None
    end = ledger.redis.zscore(HELD, str(chunk))
    assert end is not None
    assert before + 900_000 <= end <= ledger.now_ms() + 900_000
    assert 0 < ledger.redis.pttl(lease_key(chunk)) <= 900_000


def test_a_lease_that_ran_out_is_not_renewed(jobs: JobStore, leases: Leases, ledger: Ledger) -> None:
    _, [chunk] = submitted(jobs, 3)
    lease = leases.claim(chunk)
    assert lease is not None
    lease_runs_out(ledger, lease)
    assert not leases.renew(lease)
    assert len(leases.overdue(60)) == 3


def test_a_released_chunk_comes_back_whole_and_unblamed(jobs: JobStore, leases: Leases) -> None:
    _, [chunk] = submitted(jobs, 3)
    lease = leases.claim(chunk)
    assert lease is not None
    leases.release(lease, pause_s=0)
    [overdue] = leases.overdue(60)
    assert (overdue.chunk, overdue.stops) == (chunk, 0)


def test_a_lost_message_is_noticed_when_its_queue_is_empty(jobs: JobStore, leases: Leases) -> None:
    _, [chunk] = submitted(jobs, 3)
    assert leases.overdue(0) == []  # one look is not enough: the message may be on its way
    [overdue] = leases.overdue(0)
    assert (overdue.chunk, overdue.queue) == (chunk, HintQueue.RECOVERED)


def test_a_message_that_was_overtaken_is_lost(jobs: JobStore, leases: Leases, ledger: Ledger) -> None:
    _, [lost, claimed, later] = submitted(jobs, 12)
    ledger.redis.lpush(QueueName.BATCH.value, "the later chunk's message")
    assert leases.claim(claimed) is not None
    assert leases.overdue(0) == []
    assert [entry.chunk for entry in leases.overdue(0)] == [lost]
    assert leases.claim(lost) is not None
    assert leases.claim(later) is not None


def test_a_full_queue_is_not_hinted_again(jobs: JobStore, leases: Leases, ledger: Ledger) -> None:
    submitted(jobs, 3)
    ledger.redis.lpush(QueueName.BATCH.value, "a message that still waits")
    assert [leases.overdue(0) for _ in range(3)] == [[], [], []]


def test_deleting_returns_the_blobs_nobody_needs(jobs: JobStore) -> None:
    first, _ = submitted(jobs, 2)
    second, _ = submitted(jobs, 1)
    assert jobs.delete(first) == [image(1).sha256]
    assert jobs.unneeded([str(image(0).sha256), str(image(1).sha256)]) == [image(1).sha256]
    assert jobs.delete(second) == [image(0).sha256]
    with pytest.raises(JobNotFound):
        jobs.job(first)


def test_answers_to_a_deleted_job_leave_nothing_behind(jobs: JobStore, leases: Leases, ledger: Ledger) -> None:
    job_id, [chunk] = submitted(jobs, 2)
    lease = leases.claim(chunk)
    assert lease is not None
    jobs.delete(job_id)
    assert leases.record(chunk, {0: ANSWER, 1: ANSWER}, lease.token) == 0
    assert leases.claim(chunk) is None
    assert [key for key in ledger.redis.keys("*") if job_id in str(key)] == []


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
    with pytest.raises(LedgerUnavailable):
        Ledger(f"redis://127.0.0.1:{free_port()}/0").ping()


def test_a_cancelled_job_is_worked_on_no_more(jobs: JobStore, leases: Leases) -> None:
    job_id, [first, second] = submitted(jobs, 8)
    lease = leases.claim(first)
    assert lease is not None
    assert jobs.cancel(job_id).state is JobState.CANCELLED
    assert leases.claim(second) is None
    assert leases.record(first, dict.fromkeys(lease.waiting, ANSWER), lease.token) == 0
    assert jobs.job(job_id).answered == 0
    assert jobs.cancel(job_id).state is JobState.CANCELLED


def test_a_finished_job_is_not_cancelled(jobs: JobStore, leases: Leases) -> None:
    job_id, [chunk] = submitted(jobs, 1)
    leases.record(chunk, {0: ANSWER})
    assert jobs.cancel(job_id).state is JobState.DONE


def test_what_a_model_said_of_bytes_is_known_until_they_are_forgotten(jobs: JobStore, leases: Leases) -> None:
    answer = Rejection(code="not_chest_xray", message="no", model=MODEL)
    job_id, [chunk] = submitted(jobs, 1)
    leases.record(chunk, {0: answer}, images={0: image(0)})
    sha256 = str(image(0).sha256)
    assert leases.known_answers([sha256, "another"], MODEL) == {sha256: answer}
    assert leases.known_answers([sha256], MODEL.model_copy(update={"version": 2})) == {}
    jobs.delete(job_id)
    assert leases.known_answers([sha256], MODEL) == {}


def test_a_poison_image_is_set_aside_and_can_be_tried_again(jobs: JobStore, leases: Leases) -> None:
    job_id, [chunk] = submitted(jobs, 1)
    leases.set_aside(chunk, ANSWER)
    assert jobs.set_aside() == [(job_id, 0)]
    assert jobs.job(job_id).state is JobState.DONE
    assert jobs.retry(job_id, 0)
    assert not jobs.retry(job_id, 0)
    assert (jobs.job(job_id).state, jobs.job(job_id).answered) == (JobState.RUNNING, 0)
    assert leases.claim(chunk) is not None


def test_an_owner_may_submit_so_many_jobs_a_minute(ledger: Ledger, settings: Settings) -> None:
    jobs = JobStore(ledger, settings.model_copy(update={"max_owner_jobs_per_minute": 2}))
    for _ in range(2):
        jobs.create(QueueName.BATCH, owner="eager")
    with pytest.raises(RateExceeded):
        jobs.create(QueueName.BATCH, owner="eager")
    assert jobs.create(QueueName.BATCH, owner="calm")
