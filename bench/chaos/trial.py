"""One fault on one stack: films are submitted, things break at random moments, every image is counted."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

from bench.chaos.films import film
from bench.chaos.measurement import Watch, recorded
from bench.films import image_of
from cxr.jobs import Ledger
from cxr.schemas import JobState, QueueName
from tests.stack import Stack, wait_until

FILMS_PER_JOB, FILMS_PER_CALL = 1000, 200
WORKERS = "worker-1", "worker-2"
FINISH_TIMEOUT_S = 1800.0
STORING_THREADS = 8


class FaultDidNotStrike(Exception):
    """What was to be broken was not, or not in mid-job: the trial proves nothing and gives no row."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    fault: str
    images: int
    lost: int
    answered_twice: int
    recover_s: float | None
    again_s: float | None
    held_s: float | None
    seen: str
    failed_requests: int = 0

    @property
    def good(self) -> bool:
        return not (self.lost or self.answered_twice or self.failed_requests)


@dataclass
class Trial:
    """What a fault has in its hands: the stack, the dice, the films, the watch."""

    folder: Path
    images: int
    seed: int
    commands: Mapping[str, str] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    job_ids: list[str] = field(default_factory=list)
    accepted: int = 0
    failed_requests: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311  (moments, not secrets)
        self.folder.mkdir(parents=True, exist_ok=True)
        production = {"CXR_DECODE_PROCESSES": "1", "CXR_RECONCILE_INTERVAL_S": "1"}
        self.stack = Stack(self.folder, self.commands, **(production | self.environment))
        self._number, self._counting = 0, Lock()
        self._supervised, self._supervisor = Event(), Thread(target=self._revive, name="supervisor", daemon=True)

    def __enter__(self) -> Trial:
        self.stack.start("redis", "triton", *WORKERS)
        self.watch = Watch(Ledger(self.stack.settings.redis_url))
        return self

    def __exit__(self, *_: object) -> None:
        self._supervised.set()
        if self._supervisor.is_alive():
            self._supervisor.join()
        self.watch.close()
        self.stack.close()

    def films(self, count: int) -> list[bytes]:
        """The next films, never the same twice."""
        with self._counting:
            self._number += count
            numbers = range(self._number - count, self._number)
        return [film(self.seed, number) for number in numbers]

    def submit(self) -> None:
        """Submit the trial's films as the gateway does: counted, stored, accepted, hinted."""
        left = self.images
        while left > 0:
            size = min(left, FILMS_PER_JOB)
            self.submit_together(self.films(size))
            left -= size

    def submit_together(self, films: list[bytes]) -> str:
        """Submit these films as one job; its id."""
        job_id = self.stack.jobs.create(QueueName.BATCH)
        with ThreadPoolExecutor(STORING_THREADS) as storing:
            for first in range(0, len(films), FILMS_PER_CALL):
                some = films[first : first + FILMS_PER_CALL]
                self.stack.jobs.append(job_id, [(image_of(content), None) for content in some])
                list(storing.map(self.stack.blobs.put, some))
        self.follow(job_id, len(films))
        self.stack.queue.enqueue(QueueName.BATCH, self.stack.jobs.submit(job_id))
        return job_id

    def follow(self, job_id: str, images: int) -> None:
        """Count a job as accepted."""
        with self._counting:
            self.job_ids.append(job_id)
            self.accepted += images
        self.watch.follow(job_id)

    def strikes(self, count: int) -> Iterator[None]:
        """Random moments in mid-job, one after the other; each is over when work went on after it."""
        moments = sorted(self.dice.uniform(0.02, 0.7) for _ in range(count))
        for moment in moments:
            self.wait_for(int(moment * self.accepted))
            strike = self.watch.strike()
            self.struck(strike.answered < self.accepted, f"all {self.accepted} images were answered before")
            yield
            strike.undone = True
            wait_until(
                lambda strike=strike: strike.settled or self.done(), FINISH_TIMEOUT_S, "work to go on after a strike"
            )

    def struck(self, true: bool, otherwise: str) -> None:
        """Fail the trial unless the fault did what it is for. Raises ``FaultDidNotStrike``."""
        if not true:
            raise FaultDidNotStrike(otherwise)

    def wait_for(self, answered: int) -> None:
        wait_until(lambda: self.watch.answered >= answered, FINISH_TIMEOUT_S, f"{answered} answers")

    def done(self) -> bool:
        return all(self.stack.jobs.job(job_id).state is JobState.DONE for job_id in self.job_ids)

    def supervise(self) -> None:
        """From here on a worker that dies is started again, as an orchestrator would."""
        self._supervisor.start()

    def finish(self, fault: str, seen: str, timeout_s: float = FINISH_TIMEOUT_S) -> Row:
        """Wait until every job is done, or is not in time; count."""
        with suppress(AssertionError):
            wait_until(self.done, timeout_s, "every job to be done")
        self.watch.look()
        answered, said = self.watch.read(), recorded(self.folder)
        strikes = self.watch.strikes
        notes = [seen] if seen else []
        if said["image_set_aside"]:
            notes.append(f"{said['image_set_aside']} set aside as poison")
        if again := said["chunk_enqueued_again"]:
            notes.append(f"{again} hints sent again")
        return Row(
            fault=fault,
            images=self.accepted,
            lost=self.accepted - answered,
            answered_twice=self.watch.changed + max(0, said["new"] - answered),
            recover_s=max((strike.longest_silence_s for strike in strikes if strike.longest_silence_s), default=None),
            again_s=max((strike.worked_again_s for strike in strikes if strike.worked_again_s), default=None),
            held_s=max((strike.held_answered_s for strike in strikes if strike.held_answered_s), default=None),
            seen="; ".join(notes),
            failed_requests=self.failed_requests,
        )

    def _revive(self) -> None:
        while not self._supervised.wait(0.5):
            for name in WORKERS:
                if not self.stack.alive(name):
                    self.stack.stop(name)
                    self.stack.start(name)
