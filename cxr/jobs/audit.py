"""Who did what to which job: an append-only record without pixels, file names or patient data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cxr.jobs.ledger import AUDIT, Ledger, from_ms, redis_errors


@dataclass(frozen=True)
class AuditEntry:
    """One deed.

    ``action`` is what was done to a job (``submitted``, ``read``, ``picture_read``, ``feedback``, ``cancelled``,
    ``retried``, ``deleted``, ``expired``; ``refused``: forgotten before it was accepted), or at the door
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
    """Kept in a Redis stream, whose entries cannot be changed, only appended."""

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
