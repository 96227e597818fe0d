"""The connection to Redis, the names of the keys, and the atomic scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from typing import Any, cast

import redis
from redis.backoff import EqualJitterBackoff, NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from cxr.errors import JobNotFound, LedgerUnavailable
from cxr.jobs.identity import is_job_id
from cxr.schemas import Chunk
from cxr.sentinel import watched_primary

JOB_PREFIX = "cxr:job:"
HELD = "cxr:held"
EXPIRING = "cxr:expiring"
NEEDS = "cxr:blob_needs"
LOAD_PREFIX = "cxr:load:"
ANSWERED_PREFIX = "cxr:answered:"
DRAINED_PREFIX = "cxr:drained:"
WORKED_PREFIX = "cxr:worked:"
WORKED_SINCE = "cxr:worked_since"
RECONCILER = "cxr:reconciler"
REMOVER = "cxr:remover"
JOBS = "cxr:jobs"
AUDIT = "cxr:audit"
SET_ASIDE = "cxr:set_aside"
RECEPTIONS = "cxr:dicom:receptions"
WORKERS = "cxr:workers"
RETURNS = "cxr:dicom:returns"
RETURN_PREFIX = "cxr:dicom:return:"
PROBE = "cxr:probe"
INSTALLATION = "cxr:installation"

SCRIPTS = (
    "admit",
    "append",
    "submit",
    "claim",
    "renew",
    "release",
    "record",
    "overdue",
    "cancel",
    "delete",
    "retry",
    "feedback",
    "due",
    "bind",
    "trim",
    "once",
    "turn",
    "note",
)
STREAM_PAGE = 1000
SOCKET_TIMEOUT_S, HASTY_TIMEOUT_S = 10, 2
# A Redis that restarts refuses connections, or loads its file, for a moment: about three seconds are waited in all.
# A call whose reply was lost is sent again as well, so a script that is run twice must do once what it does.
FIRST_PAUSE_S, LONGEST_PAUSE_S, ATTEMPTS_AGAIN = 0.1, 1.0, 6
PROBE_KEPT_MS = 1000
# The words with which Redis begins a refusal, some of them in the middle of a script's error. The rest of what it says
# may hold keys, and so is repeated nowhere.
REFUSALS = re.compile(r"\b(OOM|MISCONF|READONLY|LOADING|MASTERDOWN|NOREPLICAS|NOAUTH|WRONGPASS|NOPERM|BUSY)\b")


class Ledger:
    """One connection pool and the scripts; every call raises ``LedgerUnavailable`` when Redis is away or full.

    ``patient=False`` is for what every request asks and can do without: a Redis that is away is not waited for.
    """

    def __init__(self, redis_url: str, *, patient: bool = True) -> None:
        pauses = EqualJitterBackoff(cap=LONGEST_PAUSE_S, base=FIRST_PAUSE_S) if patient else NoBackoff()
        self.redis = _client(
            redis_url,
            decode_responses=True,
            socket_timeout=SOCKET_TIMEOUT_S if patient else HASTY_TIMEOUT_S,
            retry=Retry(pauses, ATTEMPTS_AGAIN if patient else 1, supported_errors=(redis.ConnectionError,)),
        )
        folder = resources.files("cxr.jobs") / "scripts"
        self._scripts = {name: self.redis.register_script((folder / f"{name}.lua").read_text()) for name in SCRIPTS}

    def run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        """Run one script of ``scripts/``; its first comment says what it takes and returns.

        Redis does not undo what a script did before an error. Without memory it refuses what adds data and lets
        removals pass, so a script's first write is one that adds: it then happens whole or not at all. What must be
        possible without memory (``cancel``, ``delete``, ``trim``) begins with a removal: then all of it passes.
        """
        with redis_errors():
            return self._scripts[script](keys=list(keys), args=list(arguments))

    def now_ms(self) -> int:
        """Milliseconds since 1970 by Redis' clock, which all times in the ledger are of: others may be wrong."""
        with redis_errors():
            seconds, microseconds = self.redis.time()
        return seconds * 1000 + microseconds // 1000

    def ping(self) -> None:
        """Raise ``LedgerUnavailable`` unless Redis answers."""
        with redis_errors():
            self.redis.ping()

    def probe(self) -> None:
        """Raise ``LedgerUnavailable`` unless Redis takes writes: one that is full or read-only still answers."""
        with redis_errors():
            self.redis.set(PROBE, "1", px=PROBE_KEPT_MS)

    def entries(self, stream: str) -> Iterator[tuple[str, dict[str, str]]]:
        """Id and fields of every entry of a stream, oldest first, read page by page."""
        after = "-"
        while True:
            with redis_errors():
                found = self.redis.xrange(stream, after, "+", count=STREAM_PAGE)
            page = cast("list[tuple[str, dict[str, str]]]", found)
            yield from page
            if len(page) < STREAM_PAGE:
                return
            after = f"({page[-1][0]}"


def _client(redis_url: str, **options: Any) -> redis.Redis:
    """A pool of connections to the address, or to whatever is the primary that the address's sentinels watch."""
    watched = watched_primary(redis_url)
    if watched is None:
        return redis.Redis.from_url(redis_url, **options)
    sentinels = Sentinel(list(watched.sentinels), socket_timeout=HASTY_TIMEOUT_S)  # type: ignore[no-untyped-call]
    client: redis.Redis = sentinels.master_for(  # type: ignore[no-untyped-call]
        watched.name, db=watched.database, username=watched.username, password=watched.password, **options
    )
    return client


@contextmanager
def redis_errors() -> Iterator[None]:
    """Say Redis' errors in our words: away, paused, out of memory and read-only all mean "not now"."""
    try:
        yield
    except redis.RedisError as error:
        raise LedgerUnavailable(_reason(error)) from error


def _reason(error: redis.RedisError) -> str:
    """Redis' own word for why it refuses (``OOM``, ``READONLY``, ...); where it has none, the kind of the error."""
    said = REFUSALS.search(f"{getattr(error, 'status_code', None) or ''} {error}")
    return said[0] if said else type(error).__name__


def job_key(job_id: str, part: str = "") -> str:
    """The job's own hash, or with ``part`` one of ``images``, ``sent``, ``results``, ``attempts``, ``references``,
    ``feedback``. Raises ``JobNotFound`` for what no job is called: it might be the name of another job's part.
    """
    if not is_job_id(job_id):
        raise JobNotFound(job_id)
    return f"{JOB_PREFIX}{job_id}:{part}" if part else JOB_PREFIX + job_id


def owned_key(owner: str) -> str:
    """The owner's jobs, by time."""
    return f"{JOBS}:{owner}"


def waiting_key(queue: str) -> str:
    """Chunks whose message waits in the queue, by the number of their hint."""
    return f"cxr:waiting:{queue}"


def hints_key(queue: str) -> str:
    """The queue's hint numbers: last given, highest claimed, and both as they were one look earlier."""
    return f"cxr:hints:{queue}"


def lease_key(chunk: Chunk) -> str:
    return f"cxr:lease:{chunk}"


def from_ms(milliseconds: str | float) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
