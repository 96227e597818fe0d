"""A job's films as a list: sorted, sifted, and read no more often than there is something new."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

import pytest

from cxr.errors import CorruptImage, PoisonImage
from cxr.jobs import JobStore
from cxr.jobs.store import PAGE
from cxr.schemas import (
    Finding,
    Job,
    JobImage,
    JobResult,
    JobState,
    ModelIdentity,
    Prediction,
    QueueName,
    Rejection,
)
from gateway.worklists import KEPT_JOBS, Answer, Arrangement, Line, Order, Worklist, Worklists

MODEL = ModelIdentity(name="toy", version=1, engine="toy")
FOUND = Prediction(finding=Finding.PNEUMONIA, probability=0.9, ood_score=0, heatmap=[[2.2]], model=MODEL)
FILMS = Worklist(
    [
        Line(0, "delta", Answer.NO_PNEUMONIA, 0.1, "", 0),
        Line(1, "Alpha", Answer.PNEUMONIA, 0.9, "", 0),
        Line(2, "echo", Answer.WAITING, None, "", 0),
        Line(3, "bravo", Answer.PNEUMONIA, 0.95, "", 0),
        Line(4, "golf", Answer.REFUSED, None, "corrupt_image", 0),
        Line(5, "charlie", Answer.INDETERMINATE, 0.5, "", 1),
    ],
    0.0,
)


def order(arrangement: Arrangement) -> list[int]:
    return [line.index for line in FILMS.arranged(arrangement)]


def test_the_most_urgent_come_first() -> None:
    assert order(Arrangement()) == [3, 1, 5, 4, 0, 2]


@pytest.mark.parametrize(
    ("by", "backwards", "expected"),
    [
        (Order.NAME, False, [1, 3, 5, 0, 2, 4]),
        (Order.NAME, True, [4, 2, 0, 5, 3, 1]),
        (Order.PROBABILITY, False, [3, 1, 5, 0, 2, 4]),
        (Order.SENT, False, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_it_is_sorted_as_is_wanted(by: Order, backwards: bool, expected: list[int]) -> None:
    assert order(Arrangement(by, backwards)) == expected


def test_it_is_sifted_by_answer_and_name() -> None:
    assert order(Arrangement(answer=Answer.PNEUMONIA)) == [3, 1]
    assert order(Arrangement(text=" ALPHA")) == [1]
    assert order(Arrangement(answer=Answer.WAITING, text="alpha")) == []


class Ledger:
    """The part of a JobStore that is read, counting the pages that are."""

    def __init__(self, total: int) -> None:
        self.answers: list[Prediction | Rejection | None] = [None] * total
        self.pages: list[int] = []
        self.finished_at: datetime | None = None

    def job(self) -> Job:
        return Job(
            id="job",
            state=JobState.DONE if self.finished_at else JobState.RUNNING,
            queue=QueueName.BATCH,
            total=len(self.answers),
            answered=sum(answer is not None for answer in self.answers),
            created_at=datetime.now(UTC),
            finished_at=self.finished_at,
        )

    def results(self, job_id: str, start: int, stop: int) -> Iterator[JobResult]:
        self.pages.append(start)
        for index, answer in enumerate(self.answers[start:stop], start):
            image = JobImage(name=str(index), sha256=None, size_bytes=0)
            yield JobResult(index=index, image=image, result=answer)


def look(lists: Worklists, ledger: Ledger) -> tuple[int, list[int]]:
    """How many films the list says are answered, and the pages that were read for it."""
    ledger.pages.clear()
    films = lists.of(cast(JobStore, ledger), ledger.job())
    assert [line.index for line in films.lines] == list(range(len(ledger.answers)))
    return len(films.lines) - films.counts()[Answer.WAITING], ledger.pages


def test_only_what_may_have_changed_is_read_again() -> None:
    ledger, lists = Ledger(2 * PAGE + 10), Worklists()
    assert look(lists, ledger) == (0, [0, PAGE, 2 * PAGE])
    assert look(lists, ledger) == (0, [])
    ledger.answers[:PAGE] = [FOUND] * PAGE
    assert look(lists, ledger) == (PAGE, [0])
    ledger.answers[PAGE + 3] = Rejection.of(CorruptImage())
    assert look(lists, ledger) == (PAGE + 1, [PAGE])
    ledger.answers[-1] = FOUND
    assert look(lists, ledger) == (PAGE + 2, [PAGE, 2 * PAGE])
    ledger.answers[PAGE + 3] = None  # an operator lets it be tried again
    assert look(lists, ledger) == (PAGE + 1, [0, PAGE, 2 * PAGE])


def answer_of(lists: Worklists, ledger: Ledger, index: int) -> Answer:
    return lists.of(cast(JobStore, ledger), ledger.job()).lines[index].answer


def test_a_film_that_was_set_aside_may_be_answered_between_two_looks() -> None:
    """The operator's retry takes an answer back and the worker gives one: the number of answers is what it was."""
    ledger, lists = Ledger(3 * PAGE), Worklists()
    ledger.answers[:] = [FOUND] * 3 * PAGE
    ledger.answers[PAGE + 3], ledger.answers[-1] = Rejection.of(PoisonImage()), None
    assert look(lists, ledger) == (3 * PAGE - 1, [0, PAGE, 2 * PAGE])
    assert look(lists, ledger) == (3 * PAGE - 1, [PAGE])  # as long as the job runs it may be retried
    ledger.answers[PAGE + 3] = FOUND
    assert look(lists, ledger) == (3 * PAGE - 1, [PAGE])
    assert answer_of(lists, ledger, PAGE + 3) is Answer.PNEUMONIA
    assert look(lists, ledger) == (3 * PAGE - 1, [])


def test_a_job_that_is_done_is_read_again_only_when_it_was_done_once_more() -> None:
    ledger, lists = Ledger(2 * PAGE), Worklists()
    ledger.answers[:] = [FOUND] * 2 * PAGE
    ledger.answers[PAGE + 3] = Rejection.of(PoisonImage())
    ledger.finished_at = datetime(2026, 11, 1, tzinfo=UTC)
    assert look(lists, ledger) == (2 * PAGE, [0, PAGE])
    assert look(lists, ledger) == (2 * PAGE, [])
    ledger.answers[PAGE + 3], ledger.finished_at = FOUND, datetime(2026, 11, 2, tzinfo=UTC)
    assert look(lists, ledger) == (2 * PAGE, [PAGE])
    assert answer_of(lists, ledger, PAGE + 3) is Answer.PNEUMONIA


def test_a_retried_film_that_waits_hides_no_answer_before_it() -> None:
    ledger, lists = Ledger(2 * PAGE), Worklists()
    ledger.answers[PAGE + 3] = Rejection.of(PoisonImage())
    assert look(lists, ledger) == (1, [0, PAGE])
    ledger.answers[PAGE + 3], ledger.answers[3] = None, FOUND
    assert look(lists, ledger) == (1, [PAGE, 0])
    assert answer_of(lists, ledger, 3) is Answer.PNEUMONIA


def test_lists_of_long_ago_are_let_go() -> None:
    ledger, lists = Ledger(1), Worklists()
    look(lists, ledger)
    for number in range(KEPT_JOBS):
        lists.of(cast(JobStore, ledger), ledger.job().model_copy(update={"id": str(number)}))
    assert look(lists, ledger) == (0, [0])
