"""A job's id can be typed anywhere."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from cxr.errors import JobNotFound
from cxr.jobs.identity import is_job_id, new_job_id
from cxr.jobs.ledger import JOB_PREFIX, job_key


def test_no_id_looks_like_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: Iterator[str] = iter(["-RPdCCR3AzempG5VaZqt-A", "--------------------AA", "R-dCCR3AzempG5VaZqt-A0"])
    monkeypatch.setattr(secrets, "token_urlsafe", lambda size: next(drawn))
    assert new_job_id() == "R-dCCR3AzempG5VaZqt-A0"


def test_ids_differ() -> None:
    assert len({new_job_id() for _ in range(1000)}) == 1000


def test_an_id_is_told_from_what_no_job_is_called() -> None:
    made = new_job_id()
    assert all(is_job_id(name) for name in (made, new_job_id(), "-RPdCCR3AzempG5VaZqt-A"))
    others = [
        "",
        made[:-1],
        f"{made}x",
        f"{made}:images",
        f"{made[:-7]}:images",
        f"{made}\n",
        f"{made[:-1]}\u0101",
        "*" * 22,
    ]
    assert [name for name in others if is_job_id(name)] == []


def test_the_key_of_what_no_job_is_called_is_never_made() -> None:
    made = new_job_id()
    assert job_key(made, "images") == f"{JOB_PREFIX}{made}:images"
    for name in (f"{made}:images", "unknown"):
        for part in ("", "results"):
            with pytest.raises(JobNotFound):
                job_key(name, part)
