"""What is left when a job ends, or Redis is full, in the middle of something."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cxr.blobs import FolderStore
from cxr.custody import Custody
from cxr.errors import JobNotFound, LedgerUnavailable
from cxr.jobs import AuditLog, Backlog, JobStore, Leases, Ledger, Receptions, References, entry_of
from cxr.schemas import Chunk, InstanceReference, JobState, QueueName, Rejection
from cxr.settings import Settings
from tests.ledger_jobs import ANSWER, image, lease_runs_out, submitted
from tests.ledger_model import RepliesAreLost


@pytest.fixture
def full(ledger: Ledger) -> Iterator[Callable[[Callable[[], object]], None]]:
    """Runs a call while Redis has no memory left; it must be refused in our words."""

    def refuse(call: Callable[[], object]) -> None:
        ledger.redis.config_set("maxmemory", 1)
        with pytest.raises(LedgerUnavailable):
            call()
        ledger.redis.config_set("maxmemory", 0)

    yield refuse
    ledger.redis.config_set("maxmemory", 0)


def test_a_full_redis_loses_no_chunk(
    jobs: JobStore, leases: Leases, ledger: Ledger, full: Callable[[Callable[[], object]], None]
) -> None:
    """A script that Redis stops halfway is not rolled back: what may be refused must come first."""
    job_id, [chunk] = submitted(jobs, 2)
    full(lambda: leases.claim(chunk))
    lease = leases.claim(chunk)
    assert lease is not None
    full(lambda: leases.record(chunk, {0: ANSWER, 1: ANSWER}, lease.token))
    full(lambda: leases.release(lease, pause_s=0))
    lease_runs_out(ledger, lease)
    full(lambda: leases.overdue(60))
    singles = [entry.chunk for entry in leases.overdue(60)]
    assert singles == [Chunk(job_id, 0, 0), Chunk(job_id, 1, 1)]
    leases.set_aside(singles[0], ANSWER)
    full(lambda: jobs.retry(job_id, 0))
    assert jobs.result(job_id, 0).result == ANSWER
    assert jobs.retry(job_id, 0)
    for single in singles:
        again = leases.claim(single)
        assert again is not None
        leases.record(single, {single.first: ANSWER}, again.token)
    assert jobs.job(job_id).state is JobState.DONE


def test_a_full_redis_lets_jobs_be_stopped_and_forgotten_on_the_record(
    jobs: JobStore, leases: Leases, ledger: Ledger, tmp_path: Path
) -> None:
    """Else what an operator is told to do about it could not be done."""
    record = AuditLog(ledger)
    custody = Custody(jobs, FolderStore(tmp_path), record)
    (one, _), (other, [chunk]) = submitted(jobs, 2), submitted(jobs, 1)
    leases.record(chunk, {0: ANSWER})
    ledger.redis.config_set("maxmemory", 1)
    try:
        assert custody.cancel(one, "k").state is JobState.CANCELLED
        assert custody.cancel(one, "k").state is JobState.CANCELLED
        assert custody.cancel(other, "k").state is JobState.DONE, "and that is not put on the record"
        for job_id in (one, other):
            custody.forget(job_id, "k")
        assert record.archive(tmp_path / "old", datetime.now(UTC) + timedelta(seconds=1), "k") == 3
    finally:
        ledger.redis.config_set("maxmemory", 0)
    assert jobs.recent() == []
    archived = [json.loads(line) for line in (tmp_path / "old").read_text().splitlines()]
    deeds = [(entry["action"], entry["job_id"], entry["images"]) for entry in archived]
    assert deeds == [("cancelled", one, 2), ("deleted", one, 2), ("deleted", other, 1)]
    assert [(entry.action, entry.about) for entry in record.entries()] == [("archived", "3 entries")]


def test_an_archive_that_fails_or_has_nothing_in_it_leaves_no_file(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, soon = AuditLog(ledger), datetime.now(UTC) + timedelta(seconds=1)
    assert record.archive(tmp_path / "old", soon, "k") == 0
    assert list(record.entries()) == []
    record.add("k", "read", "j")

    def fails(_: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match="full"):
        record.archive(tmp_path / "old", soon, "k")
    assert list(tmp_path.iterdir()) == []
    assert len(list(record.entries())) == 1


def test_a_deletion_whose_reply_was_lost_is_done_all_the_same(
    jobs: JobStore, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, _ = submitted(jobs, 2)
    run = ledger.run

    def twice(script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        if script == "delete":
            run(script, keys, arguments)
        return run(script, keys, arguments)

    monkeypatch.setattr(ledger, "run", twice)
    assert jobs.delete(job_id) == []  # what it no longer needs is found by the sweep
    with pytest.raises(JobNotFound):
        jobs.delete(job_id)


def test_a_deleted_jobs_chunk_is_not_hinted_for_ever(jobs: JobStore, leases: Leases, ledger: Ledger) -> None:
    """Its message finds no job and so cannot tell which queue's list it was in."""
    job_id, [chunk] = submitted(jobs, 2, QueueName.INTERACTIVE)
    jobs.delete(job_id)
    assert leases.claim(chunk) is None
    assert [leases.overdue(0) for _ in range(3)] == [[], [], []]
    assert ledger.redis.zcard("cxr:waiting:interactive") == 0


def test_what_the_doors_write_of_a_job_after_it_was_deleted_leaves_nothing(jobs: JobStore, ledger: Ledger) -> None:
    """Between a film's row and the instance it came as, its owner may delete the job."""
    films = {
        index: InstanceReference(sop_class_uid="1.2", instance_uid=f"1.2.{index}", series_uid="1.3", study_uid="1.4")
        for index in (0, 1)
    }
    kept, deleted = jobs.create(QueueName.INTERACTIVE), jobs.create(QueueName.INTERACTIVE)
    jobs.append(deleted, [(image(1), None)])
    jobs.delete(deleted)
    for job_id in (kept, deleted):
        References(ledger).put(job_id, films)
        Receptions(ledger).put_in(job_id, QueueName.BATCH)
    assert [key for key in ledger.redis.keys("*") if deleted in str(key)] == []
    assert References(ledger).get(kept, [0, 1]) == films
    assert jobs.job(kept).queue is QueueName.BATCH


def test_a_retry_whose_reply_was_lost_is_done_and_recorded_once(
    jobs: JobStore, leases: Leases, ledger: Ledger, settings: Settings
) -> None:
    job_id, [chunk] = submitted(jobs, 2)
    leases.record(chunk, {1: ANSWER})
    leases.set_aside(Chunk(job_id, 0, 0), ANSWER)
    patient = JobStore(RepliesAreLost(settings.redis_url), settings)
    entry = entry_of("k", "retried", job_id, 1)
    assert patient.retry(job_id, 0, entry)
    assert not patient.retry(job_id, 0, entry), "it is not set aside any more"
    assert not patient.retry(job_id, 1, entry), "it never was"
    assert (jobs.job(job_id).state, jobs.job(job_id).answered) == (JobState.RUNNING, 1)
    assert [(said.actor, said.action, said.job_id) for said in AuditLog(ledger).entries()] == [("k", "retried", job_id)]


def test_a_chunk_given_back_after_its_job_was_deleted_leaves_nothing(
    jobs: JobStore, leases: Leases, ledger: Ledger
) -> None:
    job_id, [chunk] = submitted(jobs, 2)
    lease = leases.claim(chunk)
    assert lease is not None
    jobs.delete(job_id)
    leases.release(lease, pause_s=0)
    assert [key for key in ledger.redis.keys("*") if job_id in str(key)] == []


def test_an_image_that_got_its_answer_after_all_is_not_set_aside(jobs: JobStore, leases: Leases) -> None:
    job_id, [chunk] = submitted(jobs, 1)
    leases.record(chunk, {0: ANSWER})
    leases.set_aside(chunk, Rejection(code="poison_image", message="too late"))
    assert jobs.set_aside() == []
    assert not jobs.retry(job_id, 0)
    assert jobs.result(job_id, 0).result == ANSWER


def test_an_image_of_a_deleted_job_is_not_set_aside(jobs: JobStore, leases: Leases) -> None:
    job_id, [chunk] = submitted(jobs, 1)
    jobs.delete(job_id)
    leases.set_aside(chunk, ANSWER)
    assert jobs.set_aside() == []


def test_an_image_of_a_cancelled_job_is_not_tried_again(jobs: JobStore, leases: Leases, ledger: Ledger) -> None:
    job_id, _ = submitted(jobs, 5)
    leases.set_aside(Chunk(job_id, 0, 0), ANSWER)
    jobs.cancel(job_id)
    assert not jobs.retry(job_id, 0)
    assert jobs.result(job_id, 0).result == ANSWER
    assert Backlog(ledger).standing().images == 0
