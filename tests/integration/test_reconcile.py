"""The reconciler: what removes holds nothing else up, one worker removes at a time, a hint is counted by its cause."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cxr.blobs import FolderStore
from cxr.custody import Custody
from cxr.jobs import AuditLog, JobStore, Leases, Ledger, Presence
from cxr.jobs.ledger import REMOVER, WORKERS
from cxr.schemas import Chunk, HintQueue
from cxr.telemetry.metrics import REGISTRY
from tests.ledger_jobs import lease_runs_out, submitted
from tests.stack import wait_until
from worker.reconcile import Reconciler

SOON_S = 30


class SlowStore(FolderStore):
    """Tidies up for as long as the test says, as an object store with thousands of films does."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.tidied, self.may_end = 0, threading.Event()

    def tidy(self, unneeded: Any, older_than_s: float) -> None:
        self.tidied += 1
        assert self.may_end.wait(SOON_S)


class CountedTurns(Leases):
    """Knows how often the turn to remove was asked for."""

    asked = 0

    def take_removal_turn(self, worker: str, turn_s: float) -> bool:
        self.asked += 1
        return super().take_removal_turn(worker, turn_s)


class Heard:
    """In the place of the queue: which chunks were hinted."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []

    def enqueue(self, queue: HintQueue, chunks: Iterable[Chunk]) -> None:
        self.chunks += chunks


class OneWorker:
    """A reconciler with parts of its own, on a ledger that it shares."""

    def __init__(self, name: str, folder: Path, ledger: Ledger, settings: Any) -> None:
        self.store, self.heard, self.leases = SlowStore(folder), Heard(), CountedTurns(ledger, settings)
        custody = Custody(JobStore(ledger, settings), self.store, AuditLog(ledger))
        parts: Any = self.leases, custody, self.heard, Presence(ledger)
        self.reconciler = Reconciler(*parts, interval_s=0.05, between_looks_s=0, max_stops=3)
        self.reconciler._name = name


@pytest.fixture
def worker(ledger: Ledger, settings: Any, tmp_path: Path) -> Iterator[Callable[[str, str], OneWorker]]:
    made: list[OneWorker] = []

    def make(name: str, folder: str = "shared") -> OneWorker:
        made.append(OneWorker(name, tmp_path / folder, ledger, settings))
        return made[-1]

    yield make
    for one in made:
        one.store.may_end.set()
        one.reconciler.stop()


def hinted_again(cause: str) -> float | None:
    return REGISTRY.get_sample_value("cxr_chunks_hinted_again_total", {"cause": cause})


def test_a_worker_that_removes_gives_signs_of_life_and_looks_for_chunks(
    worker: Callable[..., OneWorker], jobs: JobStore, ledger: Ledger
) -> None:
    one = worker("one")
    one.reconciler.start()
    wait_until(lambda: one.store.tidied, SOON_S, "a removal to begin")
    ledger.redis.delete(WORKERS)
    _, chunks = submitted(jobs, 1)  # and nobody is told
    wait_until(lambda: Presence(ledger).count() == 1, SOON_S, "a sign of life")
    wait_until(lambda: chunks[0] in one.heard.chunks, SOON_S, "the chunk to be hinted")
    assert not one.store.may_end.is_set()


def test_one_worker_removes_at_a_time_however_long_it_takes(worker: Callable[..., OneWorker], ledger: Ledger) -> None:
    one, other = worker("one"), worker("other")
    one.reconciler.start()
    wait_until(lambda: one.store.tidied, SOON_S, "a removal to begin")
    other.reconciler.start()
    ledger.redis.pexpire(REMOVER, 10**6)
    wait_until(lambda: ledger.redis.pttl(REMOVER) < 10**5, SOON_S, "the turn to be taken anew in the middle of it")
    wait_until(lambda: other.leases.asked >= 3, SOON_S, "the other worker to ask for its turn")
    assert (one.store.tidied, other.store.tidied) == (1, 0)
    one.reconciler.stop()
    ledger.redis.delete(REMOVER)  # what ten seconds do
    wait_until(lambda: other.store.tidied, SOON_S, "the other worker to remove")


def test_a_worker_that_may_not_remove_leaves_the_turn_to_others(
    worker: Callable[..., OneWorker], jobs: JobStore
) -> None:
    wrong, right = worker("wrong", "another"), worker("right")
    wrong.store.belong_to("another")
    wrong.reconciler.start()
    wait_until(lambda: wrong.leases.asked >= 3, SOON_S, "the wrong worker to try")
    right.reconciler.start()
    wait_until(lambda: right.store.tidied, SOON_S, "the right worker to remove")
    assert wrong.store.tidied == 0


def test_a_stopped_reconciler_is_gone_at_once_and_leaves_no_thread(
    worker: Callable[..., OneWorker], ledger: Ledger
) -> None:
    one = worker("one")
    before = set(threading.enumerate())
    one.reconciler.start()
    wait_until(lambda: one.store.tidied and Presence(ledger).count() == 1, SOON_S, "its first signs")
    one.reconciler.stop()
    assert Presence(ledger).count() == 0
    one.store.may_end.set()
    wait_until(lambda: set(threading.enumerate()) <= before, SOON_S, "its threads to end")


def test_a_chunk_that_is_hinted_again_is_counted_by_why(
    worker: Callable[..., OneWorker], jobs: JobStore, ledger: Ledger
) -> None:
    one = worker("one")
    before = {cause: hinted_again(cause) for cause in ("stopped", "put_off")}
    assert None not in before.values(), "both are there before one is counted"
    _, [chunk] = submitted(jobs, 1)
    lease = one.leases.claim(chunk)
    assert lease is not None
    lease_runs_out(ledger, lease)
    one.reconciler.look_once()
    assert (hinted_again("stopped"), hinted_again("put_off")) == (before["stopped"] + 1, before["put_off"])
    _, [chunk_without_a_stop] = submitted(jobs, 1)
    for put_off in (chunk, chunk_without_a_stop):
        lease = one.leases.claim(put_off)
        assert lease is not None
        one.leases.release(lease, pause_s=0)
    one.reconciler.look_once()
    assert hinted_again("put_off") >= before["put_off"] + 2
    assert hinted_again("stopped") == before["stopped"] + 1
    assert one.heard.chunks.count(chunk) == 2
