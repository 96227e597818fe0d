"""Which batches were accepted, kept beside the output until it is whole: an interrupted run goes on from there."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from pathlib import Path

SALT = "salt"


class Memory:
    """A file of lines ``{"key": idempotency key, "job": job id}``; a line that was cut short counts as not written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: dict[str, str] = {}
        for line in path.read_text().splitlines() if path.exists() else ():
            with suppress(ValueError, KeyError, TypeError):
                entry = json.loads(line)
                self._jobs[entry["key"]] = entry["job"]

    def job_of(self, key: str) -> str | None:
        return self._jobs.get(key)

    def salt(self, fresh: bool) -> str:
        """What keys are made with: nothing, or for a run of its own something new that its resumption finds here."""
        known = self._jobs.get(SALT)
        if fresh and known is None:
            known = secrets.token_hex()
            self.keep(SALT, known)
        return known or ""

    def keep(self, key: str, job_id: str) -> None:
        """Raises ``OSError`` where nothing can be written."""
        self._jobs[key] = job_id
        with self._path.open("a") as file:
            file.write("\n" * bool(file.tell()) + json.dumps({"key": key, "job": job_id}) + "\n")

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)
