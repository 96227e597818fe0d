"""``examples/http`` against a real gateway: every row, every name, and what they say when it goes wrong."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from deploy.local.settings import ROOT
from gateway.parts import Parts
from tests.files import png
from tests.gateway import answering, served
from tests.programs import program
from tests.stack import Stack
from tests.zips import zip_of

EXAMPLES = ROOT / "examples" / "http"
ALL = ("judge.py", "judge_async.py", "judge.sh", "judge.mjs")
TIMEOUT_S = 60.0


def ran(name: str, *films: str | Path, url: str = "http://127.0.0.1:1") -> tuple[int, str, str]:
    """Exit code, standard output and standard error of an example."""
    program("node", "nodejs")
    first = {".py": [sys.executable], ".mjs": ["node"], ".sh": ["bash"]}[Path(name).suffix]
    done = subprocess.run(
        [*first, EXAMPLES / name, *map(str, films)],
        env={**os.environ, "CXR_GATEWAY_URL": url},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def imported(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def gateway_url(redis_stack: Stack, tmp_path: Path) -> Iterator[tuple[str, Parts]]:
    redis_stack.ledger.redis.flushdb()
    settings = redis_stack.settings.model_copy(update={"blobs_dir": tmp_path / "blobs"})
    with served(settings) as (url, parts), answering(parts, redis_stack.leases):
        yield url, parts


@pytest.mark.parametrize("name", ALL)
def test_every_row_of_a_large_job_is_printed(gateway_url: tuple[str, Parts], name: str, tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    path.write_bytes(zip_of({f"{number}.png": b"" for number in range(1005)}))
    code, said, errors = ran(name, path, url=gateway_url[0])
    assert code == 0, errors
    assert said.count("empty_file") == 1005


@pytest.mark.parametrize("name", ALL)
def test_every_name_that_a_file_may_have_is_sent(gateway_url: tuple[str, Parts], name: str, tmp_path: Path) -> None:
    url, parts = gateway_url
    names = ["a;type=x.png", "b,c.png", 'd"e".png', "f\\g.png", "h @ü%.png"]
    for each in names:
        (tmp_path / each).write_bytes(png() + each.encode())
    code, said, errors = ran(name, *(tmp_path / each for each in names), url=url)
    assert code == 0, errors
    assert said.count("pneumonia,") + said.count(": pneumonia\n") == len(names)
    kept = [row.image.name for job in parts.jobs.recent() for row in parts.jobs.results(job.id)]
    assert sorted(kept) == sorted(names)


@pytest.mark.parametrize("name", ALL)
def test_without_films_the_usage_is_said_and_nothing_else(name: str) -> None:
    code, said, errors = ran(name)
    assert (code, said) == (2, "")
    assert errors.startswith("usage: ")


@pytest.mark.parametrize("name", ALL)
def test_a_missing_file_and_a_refusal_are_named(gateway_url: tuple[str, Parts], name: str, tmp_path: Path) -> None:
    (tmp_path / "empty.zip").write_bytes(zip_of({"y/": b""}))
    for film, named in (("missing.png", "missing.png"), ("empty.zip", "no_images")):
        code, said, errors = ran(name, tmp_path / film, url=gateway_url[0])
        assert code in (1, 2)
        assert said == ""
        assert named in errors
        assert "Traceback" not in errors
        assert "    at " not in errors  # a trace of Node's


@pytest.mark.parametrize("name", ["judge", "judge_async"])
def test_a_gateway_that_is_away_is_named_after_a_few_tries(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "film.png").write_bytes(png())
    module: Any = imported(name)
    monkeypatch.setattr(module, "URL", "http://127.0.0.1:1")
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    monkeypatch.setattr(sys, "argv", [name, str(tmp_path / "film.png")])
    if name == "judge":
        with pytest.raises(SystemExit) as end:
            module.main()
        said = str(end.value)
    else:
        assert asyncio.run(module.main()) == 1
        said = capsys.readouterr().err
    assert "no connection to http://127.0.0.1:1: " in said


def test_a_stream_of_events_that_breaks_is_followed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = imported("judge_async")
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    asked = []

    async def broken() -> Any:
        yield b"event: progress\ndata: {}\n\n"
        raise httpx.ReadError("cut")

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, content=broken() if len(asked) == 1 else b"event: done\ndata: {}\n\n")

    async def follow() -> None:
        async with httpx.AsyncClient(base_url="http://test", transport=httpx.MockTransport(answer)) as client:
            await module.wait(client, "job")

    asyncio.run(follow())
    assert asked == ["/v1/jobs/job/events"] * 2


@pytest.mark.parametrize("name", ["judge", "judge_async"])
def test_a_row_of_a_cancelled_job_is_said_to_have_no_answer(name: str) -> None:
    said_of: Callable[[object], str] = imported(name).said_of
    assert "cancelled" in said_of(None)
