"""What is measured while things break: when new answers come, and whether an answer is ever another one later."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from cxr.errors import CxrError
from cxr.jobs import Ledger
from cxr.jobs.ledger import HELD, job_key, redis_errors
from cxr.schemas import Chunk

LOOK_EVERY_S, READ_EVERY_S = 0.05, 1.0


@dataclass
class Strike:
    """One injection: when, what was in workers' hands, and when things went on.

    It is over with the first new answer after it was ``undone``; the longest silence until then is the recovery.
    """

    at: float
    answered: int
    held: list[Chunk]
    undone: bool = False
    longest_silence_s: float | None = None
    worked_again_s: float | None = None
    held_answered_s: float | None = None
    last_answer_at: float = 0.0
    over: bool = False

    @property
    def settled(self) -> bool:
        return self.over and self.held_answered_s is not None


class Watch:
    """Follows jobs from a thread: their counts all the time, their answers every second."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._job_ids = ledger, list[str]()
        self._seen: dict[tuple[str, str], bytes] = {}
        self._stop, self._thread = Event(), Thread(target=self._run, name="watch", daemon=True)
        self.answered = 0
        self.changed = 0
        self.tell: Callable[[int], None] = lambda _: None
        self.strikes: list[Strike] = []
        self._thread.start()

    def follow(self, job_id: str) -> None:
        self._job_ids.append(job_id)

    def strike(self) -> Strike:
        """Note that something is broken now."""
        held: list[Chunk] = []
        with suppress(CxrError), redis_errors():
            held = [Chunk.parse(str(text)) for text in self._ledger.redis.zrange(HELD, 0, -1)]
        self.look()
        self.strikes.append(Strike(time.monotonic(), self.answered, held))
        return self.strikes[-1]

    def look(self) -> None:
        """Count the answers, and see which strikes are over."""
        with suppress(CxrError), redis_errors():
            pipe = self._ledger.redis.pipeline(transaction=False)
            for job_id in list(self._job_ids):
                pipe.hget(job_key(job_id), "answered")
            self.answered = sum(int(count or 0) for count in pipe.execute())
            self.tell(self.answered)
            for strike in self.strikes:
                self._settle(strike)

    def read(self) -> int:
        """Compare every answer with what it was when first seen; how many there are now."""
        count = 0
        with suppress(CxrError), redis_errors():
            for job_id in list(self._job_ids):
                for index, text in self._ledger.redis.hgetall(job_key(job_id, "results")).items():
                    digest = hashlib.blake2b(str(text).encode(), digest_size=8).digest()
                    if self._seen.setdefault((job_id, str(index)), digest) != digest:
                        self.changed += 1
                    count += 1
        return count

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _settle(self, strike: Strike) -> None:
        if not strike.over and self.answered > strike.answered:
            silence_s = time.monotonic() - (strike.last_answer_at or strike.at)
            strike.longest_silence_s = max(strike.longest_silence_s or 0, silence_s)
            strike.answered, strike.last_answer_at, strike.over = self.answered, time.monotonic(), strike.undone
        if strike.held_answered_s is None:
            pipe = self._ledger.redis.pipeline(transaction=False)
            for chunk in strike.held:
                pipe.hmget(job_key(chunk.job_id, "results"), [str(n) for n in range(chunk.first, chunk.last + 1)])
            answered = [[answer is not None for answer in answers] for answers in pipe.execute()]
            if strike.worked_again_s is None and all(any(chunk) for chunk in answered):
                strike.worked_again_s = time.monotonic() - strike.at
            if all(all(chunk) for chunk in answered):
                strike.held_answered_s = time.monotonic() - strike.at

    def _run(self) -> None:
        read_at = 0.0
        while not self._stop.wait(LOOK_EVERY_S):
            self.look()
            if time.monotonic() - read_at > READ_EVERY_S:
                self.read()
                read_at = time.monotonic()


def state_of(pid: int) -> str:
    """The kernel's letter for what a process does: ``R`` runs, ``S`` sleeps, ``T`` is stopped; proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def recorded(folder: Path) -> Counter[str]:
    """What the workers' logs say: how often each event, and under ``new`` the sum of answers that were new."""
    counts: Counter[str] = Counter()
    for log in folder.glob("worker*.log"):
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith("{"):
                with suppress(ValueError):
                    entry = json.loads(line)
                    counts[str(entry.get("event"))] += 1
                    if entry.get("event") == "chunk_answered":
                        counts["new"] += int(entry["new"])
    return counts
