"""A job's id can be typed anywhere."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from cxr.jobs.identity import new_job_id


def test_no_id_looks_like_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: Iterator[str] = iter(["-RPdCCR3AzempG5VaZqt-A", "--------------------AA", "R-dCCR3AzempG5VaZqt-A0"])
    monkeypatch.setattr(secrets, "token_urlsafe", lambda size: next(drawn))
    assert new_job_id() == "R-dCCR3AzempG5VaZqt-A0"


def test_ids_differ() -> None:
    assert len({new_job_id() for _ in range(1000)}) == 1000
