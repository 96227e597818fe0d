"""Another owner's job is like one that never was."""

from __future__ import annotations

import pytest

from cxr.errors import ImageNotFound, JobNotFound
from cxr.jobs import JobStore
from cxr.schemas import JobImage, JobState, QueueName


@pytest.fixture
def job_id(jobs: JobStore) -> str:
    """A job of alice's."""
    job_id = jobs.create(QueueName.BATCH, "alice")
    jobs.append(job_id, [(JobImage(name="film", sha256="0" * 64, size_bytes=1), None)])
    jobs.submit(job_id)
    return job_id


@pytest.mark.parametrize("act", ["job", "cancel", "delete", "submit"])
def test_a_stranger_hears_the_same_as_of_an_unknown_job(jobs: JobStore, job_id: str, act: str) -> None:
    stranger = jobs.seen_by("bob")
    with pytest.raises(JobNotFound) as of_alice:
        getattr(stranger, act)(job_id)
    with pytest.raises(JobNotFound) as unknown:
        getattr(stranger, act)("unknown")
    assert str(of_alice.value).replace(job_id, "") == str(unknown.value).replace("unknown", "")
    assert jobs.job(job_id).state is JobState.QUEUED


def test_a_stranger_gets_no_row(jobs: JobStore, job_id: str) -> None:
    with pytest.raises(JobNotFound):
        list(jobs.seen_by("bob").results(job_id))
    with pytest.raises(JobNotFound):
        jobs.seen_by("bob").result(job_id, 0)
    with pytest.raises(ImageNotFound):
        jobs.seen_by("alice").result(job_id, 1)


def test_everybody_lists_their_own_jobs_alone(jobs: JobStore, job_id: str) -> None:
    other = jobs.create(QueueName.BATCH, "bob")
    assert [job.id for job in jobs.seen_by("alice").recent()] == [job_id]
    assert [job.id for job in jobs.seen_by("bob").recent()] == [other]
    assert {job.id for job in jobs.recent()} == {job_id, other}
    jobs.seen_by("alice").delete(job_id)
    assert jobs.seen_by("alice").recent() == []
