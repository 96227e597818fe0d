"""Following a job: its standing, told again whenever it changes, until it is final."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import anyio
from fastapi.concurrency import run_in_threadpool
from sse_starlette import ServerSentEvent

from cxr.errors import JobNotFound, LedgerUnavailable, TooManyFollowers
from cxr.jobs import JobStore
from cxr.schemas import Job
from gateway.problems import problem_of

LOOK_S = 0.5
LOOK_AGAIN_S = 2.0  # while the ledger is away
LONGEST_S = 3600.0  # then the follower comes back, and shows its key again
COME_BACK_MS = 2000


class Seats:
    """How many may follow at once, in all and of one owner; belongs to one event loop."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._taken: Counter[str] = Counter()

    def take(self, owner: str) -> None:
        """Raise ``TooManyFollowers`` where there is no seat left."""
        if self._taken.total() >= self._most or self._taken[owner] >= self._most_of_one:
            raise TooManyFollowers(f"at most {self._most_of_one} at once")
        self._taken[owner] += 1

    @contextmanager
    def left_after(self, owner: str) -> Iterator[None]:
        """Give the seat back at the end."""
        try:
            yield
        finally:
            self._taken[owner] -= 1


def event_id(job: Job) -> str:
    """What a follower that comes back shows, to be told only what it has not heard."""
    return f"{job.state}-{job.answered}-{job.total}"


async def told(jobs: JobStore, job_id: str, heard: str) -> AsyncIterator[ServerSentEvent]:
    """A ``progress`` event for each change after ``heard``; the last one is named for how the job ended.

    A job that is deleted meanwhile ends with ``gone`` and a problem. While the ledger is away nothing is told.
    """
    ends = time.monotonic() + LONGEST_S
    while time.monotonic() < ends:
        try:
            job = await run_in_threadpool(jobs.job, job_id)
        except JobNotFound as error:
            yield ServerSentEvent(problem_of(error).model_dump_json(), event="gone")
            return
        except LedgerUnavailable:
            await anyio.sleep(LOOK_AGAIN_S)
            continue
        if event_id(job) != heard:
            heard = event_id(job)
            name = job.state.value if job.state.final else "progress"
            yield ServerSentEvent(job.model_dump_json(), event=name, id=heard, retry=COME_BACK_MS)
        if job.state.final:
            return
        await anyio.sleep(LOOK_S)
