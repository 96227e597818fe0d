"""A ledger of its own for each test."""

from __future__ import annotations

import pytest

from cxr.jobs import JobStore, Leases, Ledger
from cxr.settings import Settings
from tests.stack import Stack


@pytest.fixture
def ledger(redis_stack: Stack) -> Ledger:
    redis_stack.ledger.redis.flushall()
    return redis_stack.ledger


@pytest.fixture
def settings(redis_stack: Stack) -> Settings:
    changed = {"lease_s": 0.2, "chunk_size": 4, "retention_s": 60, "max_backlog_images": 2000, "max_owner_images": 1500}
    return redis_stack.settings.model_copy(update=changed)


@pytest.fixture
def jobs(ledger: Ledger, settings: Settings) -> JobStore:
    return JobStore(ledger, settings)


@pytest.fixture
def leases(ledger: Ledger, settings: Settings) -> Leases:
    return Leases(ledger, settings)
