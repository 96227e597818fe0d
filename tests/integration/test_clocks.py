"""A process whose clock is wrong: what it writes and reads in the ledger is by Redis' clock all the same."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest

import cxr.jobs.feedback
import cxr.jobs.ledger
from cxr.jobs import (
    Backlog,
    FeedbackLog,
    JobStore,
    Leases,
    Ledger,
    LedgerGauges,
    Opinion,
    Origins,
    Presence,
    Receptions,
    Returns,
)
from cxr.jobs.feedback import Verdict
from cxr.schemas import QueueName
from cxr.settings import Settings
from tests.ledger_jobs import ANSWER, submitted

HOUR_S = 3600.0
either_way = pytest.mark.parametrize("days", [8, -8])


class Clock:
    """This process' clock, not Redis'."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self._patched = patched

    def set(self, days: int) -> None:
        self._patched.undo()
        true, wrong_by = time.time, timedelta(days=days)

        class Wrong(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                return datetime.now(tz) + wrong_by

        for module in (cxr.jobs.ledger, cxr.jobs.feedback):
            self._patched.setattr(module, "datetime", Wrong)
        self._patched.setattr(time, "time", lambda: true() + wrong_by.total_seconds())


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def kept(ledger: Ledger, settings: Settings) -> JobStore:
    """Jobs stay for a week."""
    return JobStore(ledger, settings.model_copy(update={"retention_s": 7 * 24 * 3600}))


@either_way
def test_a_wrong_clock_forgets_no_upload_and_no_finished_job(
    kept: JobStore, ledger: Ledger, settings: Settings, clock: Clock, days: int
) -> None:
    leases = Leases(ledger, settings.model_copy(update={"retention_s": 7 * 24 * 3600}))
    kept.create(QueueName.BATCH)
    done, [chunk] = submitted(kept, 1)
    leases.record(chunk, {0: ANSWER})
    clock.set(days)
    kept.create(QueueName.BATCH)
    assert kept.expired() == []
    ledger.redis.zadd("cxr:expiring", {done: 1})
    assert kept.expired() == [done]
    clock.set(0)
    assert kept.expired() == [done], "nor does a right one forget an upload to a gateway whose clock is wrong"


@either_way
def test_jobs_are_opened_in_the_order_of_one_clock(jobs: JobStore, clock: Clock, days: int) -> None:
    made = [jobs.create(QueueName.BATCH)]
    time.sleep(0.002)
    clock.set(days)
    made.append(jobs.create(QueueName.BATCH))
    time.sleep(0.002)
    clock.set(0)
    made.append(jobs.create(QueueName.BATCH))
    assert [job.id for job in jobs.recent()] == made[::-1]


@either_way
def test_workers_of_different_clocks_see_each_other(ledger: Ledger, clock: Clock, days: int) -> None:
    presence = Presence(ledger)
    presence.alive("right")
    clock.set(days)
    presence.alive("wrong")
    assert presence.count() == 2
    clock.set(0)
    presence.alive("right")
    assert presence.count() == 2


@either_way
def test_a_door_with_a_wrong_clock_is_not_taken_for_silent(
    jobs: JobStore, ledger: Ledger, clock: Clock, days: int
) -> None:
    receptions = Receptions(ledger)
    for turned in (0, days):
        clock.set(turned)
        receptions.alive(jobs.create(QueueName.BATCH))
    for turned in (0, days):
        clock.set(turned)
        assert receptions.silent(HOUR_S) == []
        assert len(receptions.silent(-HOUR_S)) == 2
    clock.set(0)
    kept_s = [ms / 1000 - time.time() for _, ms in ledger.redis.zrange("cxr:expiring", 0, -1, withscores=True)]
    assert kept_s == pytest.approx([30 * 24 * HOUR_S] * 2, abs=HOUR_S)


@either_way
def test_an_opinion_is_as_old_as_it_is(jobs: JobStore, leases: Leases, ledger: Ledger, clock: Clock, days: int) -> None:
    job_id, [chunk] = submitted(jobs, 1)
    leases.record(chunk, {0: ANSWER})
    clock.set(days)
    said = FeedbackLog(ledger).add(job_id, jobs.result(job_id, 0), "alice", Opinion(verdict=Verdict.AGREE))
    clock.set(0)
    assert said.at.timestamp() == pytest.approx(time.time(), abs=HOUR_S)


@either_way
def test_results_are_owed_at_once_and_put_off_for_as_long_as_is_said(ledger: Ledger, clock: Clock, days: int) -> None:
    returns = Returns(ledger)
    clock.set(days)
    returns.owe("a job")
    assert returns.claim(HOUR_S) == "a job"
    returns.put_off("a job", HOUR_S)
    assert returns.claim(HOUR_S) is None
    returns.put_off("a job", -1)
    assert returns.claim(HOUR_S) == "a job"


@either_way
def test_figures_are_of_one_clock(jobs: JobStore, ledger: Ledger, settings: Settings, clock: Clock, days: int) -> None:
    leases = Leases(ledger, settings.model_copy(update={"lease_s": 900.0}))
    job_id, [first, second, _] = submitted(jobs, 9)
    lease = leases.claim(first)
    assert lease is not None
    time.sleep(0.002)
    clock.set(days)
    assert 0 < Origins(ledger).of(job_id).age_s < HOUR_S
    leases.claim(second)
    read = {(reading.name, *reading.labels.values()): reading.value for reading in LedgerGauges(ledger).read()}
    assert 0 < read["cxr_queue_oldest_age_seconds", "batch"] < HOUR_S
    assert read["cxr_leases_in_flight",] == 2
    leases.record(first, dict.fromkeys(lease.waiting, ANSWER), lease.token)
    clock.set(0)
    assert Backlog(ledger).standing().working_per_s, "what a worker answers counts, whatever its clock says"
