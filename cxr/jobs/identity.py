"""What a job is called: 128 random bits that can be written in addresses, file names and command lines."""

from __future__ import annotations

import re
import secrets

JOB_ID = re.compile(r"[A-Za-z0-9_-]{22}")


def new_job_id() -> str:
    """22 characters of A-Z, a-z, 0-9, ``-`` and ``_``; never a ``-`` first, which would look like an option."""
    while (job_id := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return job_id


def is_job_id(text: str) -> bool:
    """Whether a job may be called so; in earlier versions with a ``-`` first, too."""
    return JOB_ID.fullmatch(text) is not None
