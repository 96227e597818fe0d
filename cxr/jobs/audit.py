"""Who did what to which job: an append-only record without pixels, file names or patient data."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain, takewhile
from pathlib import Path
from typing import Any, cast

from cxr.jobs.ledger import AUDIT, Ledger, from_ms, redis_errors


@dataclass(frozen=True)
class AuditEntry:
    """One deed.

    ``action`` is what was done to a job (``submitted``, ``read``, ``picture_read``, ``feedback``, ``cancelled``,
    ``retried``, ``deleted``, ``expired``; ``refused``: forgotten before it was accepted), to the record itself
    (``archived``), or at the door
    (``signed_in``, ``signed_out``, ``key_created``, ``key_revoked``, ``account_added``, ``account_removed``,
    ``refused``: somebody known might not do it; or the code of a refusal); ``about`` says to what or from where.
    """

    at: datetime
    actor: str
    action: str
    job_id: str
    images: int
    about: str = ""


Entry = dict[str, str | int]
"""The fields of an entry that a script appends together with its deed."""


def entry_of(actor: str, action: str, job_id: str = "", images: int = 0, about: str = "") -> Entry:
    return {"actor": actor, "action": action, "job_id": job_id, "images": images, "about": about}


def as_arguments(entry: Entry | None) -> list[str | int]:
    """Name, value, name, value, ... as a script takes them."""
    return [word for field in (entry or {}).items() for word in field]


class AuditLog:
    """Kept in a Redis stream, whose entries cannot be changed, only appended; old ones may move to an archive."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._redis = ledger, ledger.redis

    def add(self, actor: str, action: str, job_id: str = "", images: int = 0, about: str = "") -> None:
        """Append one entry. Raises ``LedgerUnavailable``: what cannot be recorded must not be done."""
        with redis_errors():
            self._redis.xadd(AUDIT, cast("Any", entry_of(actor, action, job_id, images, about)))

    def add_once(self, actor: str, action: str, job_id: str = "", *, within_s: int | None, about: str = "") -> None:
        """Append one entry unless the same deed was recorded ``within_s`` seconds ago or less; None: ever.

        Raises ``LedgerUnavailable``, and has then left no mark of a deed that is not on the record.
        """
        key = f"{AUDIT}:{action}:{job_id}:{actor}:{about}"
        entry = as_arguments(entry_of(actor, action, job_id, about=about))
        self._ledger.run("once", [key, AUDIT], ["" if within_s is None else within_s, *entry])

    def entries(self) -> Iterator[AuditEntry]:
        """All entries, oldest first."""
        for entry_id, fields in self._ledger.entries(AUDIT):
            yield AuditEntry(
                at=from_ms(entry_id.split("-")[0]),
                actor=fields["actor"],
                action=fields["action"],
                job_id=fields["job_id"],
                images=int(fields["images"]),
                about=fields.get("about", ""),
            )

    def archive(self, path: Path, before: datetime, actor: str) -> int:
        """Move entries from before a time to a new file, a JSON object a line; gives their number.

        They leave Redis when the file is on the disk, and not otherwise. What fails before leaves no file, and nor do
        no entries. Raises ``FileExistsError``.
        """
        if path.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        before_ms = int(before.timestamp() * 1000)
        old = takewhile(lambda entry: entry.at < from_ms(before_ms), self.entries())
        first = next(old, None)
        if first is None:
            return 0
        count = _written(chain([first], old), path)
        about = f"{count} entries"
        self._ledger.run("trim", [AUDIT], [before_ms, *as_arguments(entry_of(actor, "archived", about=about))])
        return count


def _written(entries: Iterable[AuditEntry], path: Path) -> int:
    """Write entries to a new file that is synced to disk, or leave none; their number."""
    count = 0
    with path.open("x", encoding="utf-8") as file:
        try:
            for count, entry in enumerate(entries, 1):  # noqa: B007  (the number of the last)
                file.write(json.dumps({**asdict(entry), "at": entry.at.isoformat()}) + "\n")
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise
    return count
