"""Who did what to which job: an append-only record without pixels, file names or patient data."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path

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


class AuditLog:
    """Kept in a Redis stream, whose entries cannot be changed, only appended; old ones may move to an archive."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._redis = ledger, ledger.redis

    def add(self, actor: str, action: str, job_id: str = "", images: int = 0, about: str = "") -> None:
        """Append one entry. Raises ``LedgerUnavailable``: what cannot be recorded must not be done."""
        with redis_errors():
            self._redis.xadd(
                AUDIT, {"actor": actor, "action": action, "job_id": job_id, "images": images, "about": about}
            )

    def add_once(self, actor: str, action: str, job_id: str = "", *, within_s: int | None, about: str = "") -> None:
        """Append one entry unless the same deed was recorded ``within_s`` seconds ago or less; None: ever."""
        key = f"{AUDIT}:{action}:{job_id}:{actor}:{about}"
        with redis_errors():
            first = self._redis.set(key, "1", nx=True, ex=within_s)
        if first:
            self.add(actor, action, job_id, about=about)

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

        They leave Redis when the file is on the disk, and not otherwise. Raises ``FileExistsError``.
        """
        count, before_ms = 0, int(before.timestamp() * 1000)
        with path.open("x", encoding="utf-8") as file:
            for entry in takewhile(lambda entry: entry.at < from_ms(before_ms), self.entries()):
                file.write(json.dumps({**asdict(entry), "at": entry.at.isoformat()}) + "\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        with redis_errors():
            self._redis.xtrim(AUDIT, minid=before_ms, approximate=False)
        self.add(actor, "archived", about=f"{count} entries")
        return count
