"""Idempotency keys: a client that does not know whether its request arrived sends it again, and gets the same job.

A key is bound to a job only when everything of that job is durable. So there is no "in progress" to wait for: of two
requests with one key that come at once, both store, one is bound, and the other's job is forgotten; and a request
that finds its key bound to a job that was never submitted (the process died in between) can submit it itself.
"""

from __future__ import annotations

import hashlib

from cxr.errors import IdempotencyKeyReused
from cxr.jobs.ledger import JOB_PREFIX, Ledger

BOUND_PREFIX = "cxr:bound:"


class IdempotencyKeys:
    """Kept per owner for ``kept_s`` seconds, or until their job is gone. Raises ``LedgerUnavailable``."""

    def __init__(self, ledger: Ledger, kept_s: int) -> None:
        self._ledger, self._kept_ms = ledger, kept_s * 1000

    def bound(self, owner: str, key: str, fingerprint: str) -> str | None:
        """The job that the key is bound to. Raises ``IdempotencyKeyReused`` when it has other content."""
        return self.bind(owner, key, fingerprint, "") or None

    def bind(self, owner: str, key: str, fingerprint: str, job_id: str) -> str:
        """Bind the key to this job and return it, or the job it is bound to. Raises ``IdempotencyKeyReused``."""
        name = hashlib.sha256(f"{owner}\0{key}".encode()).hexdigest()
        arguments = [fingerprint, job_id, self._kept_ms, JOB_PREFIX]
        found = self._ledger.run("bind", [BOUND_PREFIX + name], arguments)
        if found is None:
            raise IdempotencyKeyReused
        return str(found)
