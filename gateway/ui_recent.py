"""The visitor's recent jobs as the page lists them: what came out of a job is told on the record, or not at all."""

from __future__ import annotations

from cxr.errors import JobNotFound, LedgerUnavailable
from cxr.schemas import Job, JobState
from gateway.page.jobs import RecentJob
from gateway.parts import Parts

RECENT_JOBS = 20
COUNTED_FILMS = 50  # a recent job of no more films says what came out of it, which is read from all of them


def recent_of(seen: Parts) -> list[RecentJob]:
    """The newest first. Raises ``LedgerUnavailable``."""
    return [_looked_at(seen, job) for job in seen.jobs.recent(RECENT_JOBS)]


def _looked_at(seen: Parts, job: Job) -> RecentJob:
    """A job with all its films where that is soon read, else with the first."""
    try:
        films = list(seen.jobs.results(job.id, 0, COUNTED_FILMS if job.total <= COUNTED_FILMS else 1))
    except JobNotFound:  # deleted meanwhile
        return RecentJob(job, [])
    whole = job.state is JobState.DONE and len(films) == job.total
    return RecentJob(job, films, tells_findings=whole and _recorded(seen, job))


def _recorded(seen: Parts, job: Job) -> bool:
    """Whether the reading could be put on the record; in a Redis that is full it cannot, and jobs can be deleted."""
    try:
        seen.custody.read(job.id, seen.caller.actor)
    except (JobNotFound, LedgerUnavailable):
        return False
    return True
