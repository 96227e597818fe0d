"""A ledger, and a gateway in this process, of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cxr.jobs import JobStore, Leases, Ledger
from cxr.settings import Settings
from tests.gateway import Gateway
from tests.guarded import access_file, account_of, visitor
from tests.stack import Stack


@pytest.fixture
def ledger(redis_stack: Stack) -> Ledger:
    redis_stack.ledger.redis.flushall()
    return redis_stack.ledger


@pytest.fixture
def settings(redis_stack: Stack) -> Settings:
    changed = {"lease_s": 900, "chunk_size": 4, "retention_s": 60, "max_backlog_images": 2000, "max_owner_images": 1500}
    return redis_stack.settings.model_copy(update=changed)


@pytest.fixture
def jobs(ledger: Ledger, settings: Settings) -> JobStore:
    return JobStore(ledger, settings)


@pytest.fixture
def leases(ledger: Ledger, settings: Settings) -> Leases:
    return Leases(ledger, settings)


@pytest.fixture
def start(redis_stack: Stack, tmp_path: Path) -> Iterator[Callable[..., Gateway]]:
    """Makes a gateway of its own settings on a fresh blob store and an empty ledger."""
    redis_stack.ledger.redis.flushdb()
    started: list[Gateway] = []

    def make(**settings: Any) -> Gateway:
        gateway = Gateway(redis_stack.settings.model_copy(update={"blobs_dir": tmp_path / "blobs", **settings}))
        gateway.client.__enter__()
        started.append(gateway)
        return gateway

    yield make
    for gateway in started:
        gateway.client.__exit__(None, None, None)


@pytest.fixture
def gateway(start: Callable[..., Gateway]) -> Gateway:
    return start()


@pytest.fixture
def access_path(tmp_path: Path) -> Path:
    return access_file(tmp_path / "access.json", [account_of("alice"), account_of("bob", "radiology")])


@pytest.fixture
def guarded(ledger: Ledger, settings: Settings, access_path: Path) -> Settings:
    return settings.model_copy(update={"access_file": access_path})


@pytest.fixture
def browser(guarded: Settings) -> Iterator[TestClient]:
    with visitor(guarded) as client:
        yield client
