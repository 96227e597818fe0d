"""Probes and callers are answered however many threads wait for something else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock
from typing import Any

import anyio
import httpx
import pytest
from anyio.to_thread import current_default_thread_limiter, run_sync
from fastapi import FastAPI

from cxr.jobs import ledger
from cxr.settings import Settings
from gateway.access.visit import Visit
from gateway.auth import Caller
from gateway.gatekeeper import ADMITTED_AT_ONCE
from gateway.http_app import http_app
from gateway.parts import Parts
from tests.guarded import HERE, access_file, key_of

MORE_THAN_THERE_ARE = 5
LONGEST_S = 30  # until a test says that there is no answer


class Crowd:
    """Calls that wait until they are let go; ``all_there`` when as many as expected do."""

    def __init__(self, expected: int) -> None:
        self.all_there, self._let_go = Event(), Event()
        self._left, self._lock = expected, Lock()

    def wait(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self.all_there.set()
        self._let_go.wait()

    @contextmanager
    def let_go(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._let_go.set()


class SlowJobs:
    """In the ledger's place; every list takes until the crowd is let go."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd

    def seen_by(self, *_: object) -> SlowJobs:
        return self

    def page(self, *_: object) -> tuple[list[object], None]:
        self._crowd.wait()
        return [], None


class Keyed:
    """The gateway's parts with an access file, while Redis and Triton are away; and a key of it."""

    def __init__(self, folder: Path) -> None:
        made, text = key_of("alice")
        path = access_file(folder / "access.json", keys=[made])
        self.key = {"X-API-Key": text}
        self.parts = Parts.of(Settings(redis_url="redis://127.0.0.1:1/0", triton_url="127.0.0.1:1", access_file=path))


@pytest.fixture
def keyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Keyed]:
    monkeypatch.setattr(ledger, "ATTEMPTS_AGAIN", 0)
    made = Keyed(tmp_path)
    yield made
    made.parts.close()


Ask = Callable[..., Awaitable[httpx.Response]]


def while_crowded(
    app: FastAPI, crowd: Crowd, requests: int, headers: dict[str, str], look: Callable[[Ask], Awaitable[None]]
) -> list[int]:
    """Look at the gateway while as many requests wait; the statuses of those when they are let go."""

    async def run() -> list[int]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:

            async def ask(path: str, **words: Any) -> httpx.Response:
                with anyio.fail_after(LONGEST_S):
                    return await client.get(path, **words)

            waiting = [asyncio.create_task(client.get("/v1/jobs", headers=headers)) for _ in range(requests)]
            with crowd.let_go():
                loop = asyncio.get_running_loop()  # whose own executor is not the threads that requests take
                assert await loop.run_in_executor(None, crowd.all_there.wait, LONGEST_S)
                await look(ask)
            return [answer.status_code for answer in await asyncio.gather(*waiting)]

    return asyncio.run(run())


def threads_of_all() -> int:
    async def ask() -> int:
        return int(current_default_thread_limiter().total_tokens)

    return asyncio.run(ask())


def test_a_gateway_whose_threads_are_all_taken_answers_probes_and_strangers(keyed: Keyed) -> None:
    taken = threads_of_all()
    crowd = Crowd(taken)
    app = http_app(replace(keyed.parts, jobs=SlowJobs(crowd)))  # type: ignore[arg-type]

    async def look(ask: Ask) -> None:
        assert (await ask("/healthz")).json() == {"status": "alive"}
        assert (await ask("/readyz")).status_code == 503
        assert (await ask("/v1/jobs")).json()["code"] == "not_signed_in"
        assert (await ask("/v1/jobs", headers={"X-API-Key": "made up"})).json()["code"] == "invalid_key"

    requests = taken + MORE_THAN_THERE_ARE
    assert while_crowded(app, crowd, requests, keyed.key, look) == [200] * requests


def test_a_redis_that_hangs_stops_neither_the_probe_nor_those_that_are_in(keyed: Keyed) -> None:
    crowd = Crowd(ADMITTED_AT_ONCE)
    admit = keyed.parts.entry.admit

    def hanging(visit: Visit) -> Caller | None:
        crowd.wait()
        return admit(visit)

    keyed.parts.entry.admit = hanging  # type: ignore[method-assign]

    async def look(ask: Ask) -> None:
        assert (await ask("/healthz", headers=keyed.key)).json() == {"status": "alive"}
        with anyio.fail_after(LONGEST_S):
            await run_sync(lambda: None)

    requests = ADMITTED_AT_ONCE + MORE_THAN_THERE_ARE
    assert while_crowded(http_app(keyed.parts), crowd, requests, {}, look) == [401] * requests
