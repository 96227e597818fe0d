"""What is recorded once is recorded at all, whatever fails between the deed and its entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from cxr.errors import LedgerUnavailable
from cxr.jobs import AuditLog, Ledger
from cxr.jobs.ledger import AUDIT

DEED = "alice", "read", "job"


def deeds(ledger: Ledger) -> list[tuple[str, str, str, int, str]]:
    found = AuditLog(ledger).entries()
    return [(entry.actor, entry.action, entry.job_id, entry.images, entry.about) for entry in found]


@pytest.mark.parametrize("within_s", [60, None])
def test_a_deed_is_recorded_once_within_its_time(ledger: Ledger, within_s: int | None) -> None:
    record = AuditLog(ledger)
    for _ in range(3):
        record.add_once(*DEED, within_s=within_s, about="image 0")
    record.add_once(*DEED, within_s=within_s, about="image 1")
    assert deeds(ledger) == [(*DEED, 0, "image 0"), (*DEED, 0, "image 1")]
    [mark] = ledger.redis.keys(f"{AUDIT}:*image 0")
    left_s = ledger.redis.ttl(mark)
    assert left_s == -1 if within_s is None else 0 < left_s <= within_s
    ledger.redis.delete(mark)
    record.add_once(*DEED, within_s=within_s, about="image 0")
    assert len(deeds(ledger)) == 3


def test_a_deed_that_could_not_be_recorded_is_recorded_when_it_is_done_again(ledger: Ledger) -> None:
    record = AuditLog(ledger)
    ledger.redis.set(AUDIT, "no record")
    with pytest.raises(LedgerUnavailable):
        record.add_once(*DEED, within_s=None)
    ledger.redis.delete(AUDIT)
    ledger.redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(LedgerUnavailable, match="OOM"):
            record.add_once(*DEED, within_s=None)
    finally:
        ledger.redis.config_set("maxmemory", 0)
    assert ledger.redis.keys("*") == []
    record.add_once(*DEED, within_s=None)
    assert deeds(ledger) == [(*DEED, 0, "")]


def test_a_deed_whose_reply_was_lost_is_recorded_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ledger.run

    def twice(script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        run(script, keys, arguments)
        return run(script, keys, arguments)

    monkeypatch.setattr(ledger, "run", twice)
    AuditLog(ledger).add_once(*DEED, within_s=60)
    assert deeds(ledger) == [(*DEED, 0, "")]
