"""What a job is called: 128 random bits that can be written in addresses, file names and command lines."""

from __future__ import annotations

import secrets


def new_job_id() -> str:
    """22 characters of A-Z, a-z, 0-9, ``-`` and ``_``; never a ``-`` first, which would look like an option."""
    while (job_id := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return job_id
