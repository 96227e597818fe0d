"""The films of a job as one list to sort and sift, kept in memory so that a running job is not read from its start
again and again.

Of each film a line of about 200 bytes is kept, for the jobs that were looked at last; who may see a job is asked of
the ledger before this is.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from threading import Lock

from cxr.errors import PoisonImage
from cxr.jobs import JobStore
from cxr.jobs.store import PAGE
from cxr.schemas import Finding, Job, JobResult, Prediction, Rejection

KEPT_JOBS = 16
PACE_OVER_S = 20.0


class Answer(StrEnum):
    """What became of a film so far, most urgent first: what was not judged is for a person to read."""

    PNEUMONIA = Finding.PNEUMONIA.value
    INDETERMINATE = Finding.INDETERMINATE.value
    REFUSED = "refused"
    NO_PNEUMONIA = Finding.NO_PNEUMONIA.value
    WAITING = "waiting"


URGENCY = {answer: place for place, answer in enumerate(Answer)}


@dataclass(frozen=True, slots=True)
class Line:
    """One film of the list."""

    index: int
    name: str
    answer: Answer
    probability: float | None
    code: str
    notes: tuple[str, ...]  # by code

    @classmethod
    def of(cls, row: JobResult) -> Line:
        match row.result:
            case Prediction() as found:
                answer = Answer(found.finding.value)
                return cls(
                    row.index, row.image.name, answer, found.probability, "", tuple(note.code for note in found.notes)
                )
            case Rejection() as refused:
                return cls(row.index, row.image.name, Answer.REFUSED, None, refused.code, ())
            case None:
                return cls(row.index, row.image.name, Answer.WAITING, None, "", ())


class Order(StrEnum):
    """What a list is sorted by."""

    URGENCY = "urgency"
    PROBABILITY = "probability"
    NAME = "name"
    SENT = "sent"


@dataclass(frozen=True)
class Arrangement:
    """How a reader wants the list: its order, and which films of it."""

    order: Order = Order.URGENCY
    backwards: bool = False
    answer: Answer | None = None
    text: str = ""


@dataclass(frozen=True)
class Worklist:
    """A job's films at one moment; ``images_per_s`` is how fast answers came lately, 0 where that is not known."""

    lines: Sequence[Line]
    images_per_s: float

    def counts(self) -> Counter[Answer]:
        return Counter(line.answer for line in self.lines)

    def arranged(self, wanted: Arrangement) -> list[Line]:
        """The films that are wanted, in the order that is wanted."""
        text = wanted.text.strip().casefold()
        lines = [
            line
            for line in self.lines
            if wanted.answer in (None, line.answer) and (not text or text in line.name.casefold())
        ]
        match wanted.order:
            case Order.URGENCY:
                lines.sort(key=lambda line: (URGENCY[line.answer], -(line.probability or 0.0), line.index))
            case Order.PROBABILITY:
                lines.sort(key=lambda line: -1.0 if line.probability is None else line.probability, reverse=True)
            case Order.NAME:
                lines.sort(key=lambda line: line.name.casefold())
            case Order.SENT:
                pass
        return lines[::-1] if wanted.backwards else lines


class Worklists:
    """The lists that were looked at last; safe from any thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = Lock()

    def of(self, jobs: JobStore, job: Job) -> Worklist:
        """The job's list as it is now. Raises ``JobNotFound``, ``LedgerUnavailable``."""
        with self._lock:
            kept = self._kept.setdefault(job.id, _Kept())
            self._kept.move_to_end(job.id)
            while len(self._kept) > KEPT_JOBS:
                self._kept.popitem(last=False)
        return kept.caught_up(jobs, job)


class _Kept:
    """One job's lines, and how far they are complete.

    An answer is final, but for a film that was set aside: an operator may let it be tried again, and it may be answered
    before the next look. So pages with such a film are read anew, unless the job ended and has not begun again since.
    """

    def __init__(self) -> None:
        self._lines: list[Line] = []
        self._aside: set[int] = set()  # first lines of the pages with films that were set aside
        self._finished_at: datetime | None = None
        self._pace: deque[tuple[float, int]] = deque()
        self._lock = Lock()

    def caught_up(self, jobs: JobStore, job: Job) -> Worklist:
        with self._lock:
            answered = self._answered()
            if job.answered < answered:  # an operator lets films be tried again
                self._lines, self._aside, answered = [], set(), 0
            if self._aside and (job.finished_at is None or job.finished_at != self._finished_at):
                for first in sorted(self._aside):
                    answered += self._read(jobs, job, first)
            for first in range(0, job.total, PAGE):
                page = self._lines[first : first + PAGE]
                expected = min(PAGE, job.total - first)
                complete = len(page) == expected
                if complete and (answered >= job.answered or Answer.WAITING not in (line.answer for line in page)):
                    continue
                answered += self._read(jobs, job, first)
            self._finished_at = job.finished_at
            return Worklist(tuple(self._lines), self._images_per_s(job))

    def _read(self, jobs: JobStore, job: Job, first: int) -> int:
        """Read the page that begins there; by how many more of it are answered than were."""
        page, fresh = self._lines[first : first + PAGE], list(map(Line.of, jobs.results(job.id, first, first + PAGE)))
        self._lines[first : first + PAGE] = fresh
        self._aside.discard(first)
        if any(line.code == PoisonImage.code for line in fresh):
            self._aside.add(first)
        return _answered(fresh) - _answered(page)

    def _answered(self) -> int:
        return _answered(self._lines)

    def _images_per_s(self, job: Job) -> float:
        now = time.monotonic()
        self._pace.append((now, job.answered))
        while len(self._pace) > 2 and now - self._pace[1][0] > PACE_OVER_S:
            self._pace.popleft()
        (since, before) = self._pace[0]
        return (job.answered - before) / (now - since) if now > since else 0.0


def _answered(lines: Sequence[Line]) -> int:
    return sum(line.answer is not Answer.WAITING for line in lines)
