"""A submission that is to happen once, however often it is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.parts import Parts
from gateway.spool import Upload


@dataclass
class Once:
    """The client's key and the fingerprint of what it sent with it; afterwards, whether an earlier request was it."""

    key: str
    fingerprint: str
    replayed: bool = False

    @classmethod
    def of_files(cls, key: str, uploads: Iterable[Upload]) -> Once:
        """Two requests are the same when their files have the same names and bytes in the same order."""
        digest = hashlib.sha256()
        for upload in uploads:
            digest.update(f"{len(upload.name)}/{upload.size_bytes}/{upload.name}".encode("utf-8", "surrogatepass"))
            with upload.open() as file:
                hashlib.file_digest(file, lambda: digest)  # type: ignore[arg-type]
        return cls(key, digest.hexdigest())

    @classmethod
    def of_text(cls, key: str, text: str) -> Once:
        """A request without files, by its text."""
        return cls(key, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())

    def job_of(self, parts: Parts) -> str | None:
        """The job that an earlier request made. Raises ``IdempotencyKeyReused``."""
        known = parts.idempotency.bound(parts.caller.owner, self.key, self.fingerprint)
        self.replayed = known is not None
        return known

    def bind(self, job_id: str, parts: Parts) -> str:
        """Make ``job_id`` the one job of this key; returns the other where there is one already."""
        bound = parts.idempotency.bind(parts.caller.owner, self.key, self.fingerprint, job_id)
        self.replayed = bound != job_id
        return bound
