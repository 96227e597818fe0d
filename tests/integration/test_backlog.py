"""How much waits on a real Redis, when more may come, and who hears of it."""

from __future__ import annotations

import math
import time

import pytest

from cxr.errors import QueueFull, QuotaExceeded
from cxr.jobs import Backlog, JobStore, Leases, Ledger, LedgerGauges, Standing
from cxr.jobs.backlog import UNKNOWN_RETRY_AFTER_S
from cxr.schemas import QueueName
from tests.ledger_jobs import ANSWER, image, submitted


def test_the_backlog_is_counted_and_bounded(jobs: JobStore, leases: Leases, ledger: Ledger) -> None:
    backlog = Backlog(ledger)
    first, [chunk] = submitted(jobs, 3)
    second, _ = submitted(jobs, 900)
    assert (backlog.standing().images, backlog.standing().bytes) == (903, 9030)
    with pytest.raises(QuotaExceeded):
        submitted(jobs, 600)
    other = jobs.create(QueueName.BATCH, owner="another")
    with pytest.raises(QueueFull) as full:
        jobs.append(other, [(image(number), None) for number in range(1200)])
    assert full.value.retry_after_s >= 1
    leases.record(chunk, dict.fromkeys(range(3), ANSWER))
    assert (backlog.standing().images, backlog.standing().bytes) == (900, 9000)
    jobs.delete(second)
    jobs.delete(first)
    assert (backlog.standing().images, backlog.standing().bytes) == (0, 0)


def test_an_upload_that_is_half_received_is_in_the_backlog_and_waits_for_no_worker(
    jobs: JobStore, leases: Leases, ledger: Ledger
) -> None:
    """The alert NothingIsAnswered goes by the figures that begin when a job is accepted."""

    def shown() -> tuple[float, float, float]:
        found: dict[str, float] = {}
        for reading in LedgerGauges(ledger).read():
            found[reading.name] = found.get(reading.name, 0) + reading.value
        return found["cxr_backlog_images"], found["cxr_queue_waiting_chunks"], found["cxr_leases_in_flight"]

    job = jobs.create(QueueName.BATCH)
    jobs.append(job, [(image(number), None) for number in range(4)])
    assert shown() == (4, 0, 0)
    [chunk] = jobs.submit(job)
    assert shown() == (4, 1, 0)
    lease = leases.claim(chunk)
    assert lease is not None
    assert shown() == (4, 0, 1)
    leases.release(lease, pause_s=10)
    assert shown() == (4, 0, 1)


def test_who_is_to_come_again_hears_when_from_the_time_in_which_there_was_work(
    jobs: JobStore, leases: Leases, ledger: Ledger
) -> None:
    """However long nothing was to be done before; and of a quota only its owner's images count."""
    submitted(jobs, 1400)

    def told() -> int:
        refused = jobs.create(QueueName.BATCH)
        with pytest.raises(QuotaExceeded) as quota:
            jobs.append(refused, [(image(number), None) for number in range(300)])
        jobs.delete(refused)
        return quota.value.retry_after_s

    assert told() == UNKNOWN_RETRY_AFTER_S
    held_s = 0.01  # as much is lost in whole milliseconds
    for _ in range(2):
        _, [chunk] = submitted(jobs.seen_by(None, 2000), 4)
        started = time.monotonic()
        lease = leases.claim(chunk)
        assert lease is not None
        time.sleep(0.05)
        leases.record(chunk, dict.fromkeys(lease.waiting, ANSWER), lease.token)
        held_s += time.monotonic() - started
        time.sleep(0.3)  # nothing is in hand meanwhile
    rate = Backlog(ledger).standing().working_per_s
    assert rate is not None
    assert rate >= 8 / held_s
    assert told() <= math.ceil(200 / rate)


@pytest.mark.parametrize(
    ("waiting", "too_many", "per_s", "seconds"),
    [
        (200, 0, 125, 1),
        (200, 190, 125, 2),
        (100_000, 0, 125, 80),
        (500_000, 0, 1, 600),
        (0, 0, 125, 1),
        (200, 0, None, 5),
    ],
)
def test_a_pause_is_as_long_as_a_tenth_or_the_surplus_takes(
    waiting: int, too_many: int, per_s: float | None, seconds: int
) -> None:
    assert Standing(waiting, 0, 0, per_s).retry_after_s(waiting, too_many) == seconds
