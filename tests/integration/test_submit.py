"""``python -m gateway submit`` against a real gateway: whole, interrupted, refused, throttled."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cxr.errors import CxrError
from deploy.local.settings import ROOT
from gateway.parts import Parts
from tests.elsewhere import elsewhere
from tests.files import png
from tests.gateway import answering, served
from tests.stack import Stack, wait_until
from tests.zips import zip_of

FILM = png()
TIMEOUT_S = 60.0
# A shell reads both as 130: the exit code of its own, and the end by the signal.
ENDED_BY_CTRL_C = {130, -signal.SIGINT}
# A shell that runs the tests in the background has Ctrl-C ignored, and children inherit that.
HEEDING_CTRL_C = ("env", "--default-signal=INT")


def films(folder: Path, count: int) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{number:03d}.png").write_bytes(FILM + bytes([number]))
    return folder


class Run:
    """One run of the command line."""

    def __init__(self, url: str | None, *words: str | Path, **environment: str) -> None:
        command = [*HEEDING_CTRL_C, sys.executable, "-m", "gateway", "submit", *map(str, words)]
        command += ["--url", url] if url else []
        plain = {name: value for name, value in os.environ.items() if not name.startswith("CXR_")}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, cwd=ROOT, env={**plain, **environment}, stdout=pipe, stderr=pipe, text=True
        )

    def end(self) -> tuple[int, str]:
        """Exit code and what it said on standard error."""
        try:
            _, said = self.process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(self.process.communicate()) from None
        return self.process.returncode, said


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def start(redis_stack: Stack, tmp_path: Path) -> Iterator[Callable[..., tuple[str, Parts]]]:
    redis_stack.ledger.redis.flushdb()
    with ExitStack() as running:

        def make(answers: bool = True, **settings: Any) -> tuple[str, Parts]:
            changed = {"blobs_dir": tmp_path / "blobs", **settings}
            url, parts = running.enter_context(served(redis_stack.settings.model_copy(update=changed)))
            if answers:
                running.enter_context(answering(parts, redis_stack.leases))
            return url, parts

        yield make


def test_a_folder_becomes_a_table_and_every_refusal_is_named(
    start: Callable[..., tuple[str, Parts]], tmp_path: Path
) -> None:
    url, parts = start()
    folder = films(tmp_path / "films", 5)
    (folder / "empty.png").write_bytes(b"")
    (folder / "folder.zip").write_bytes(zip_of({"x.png": FILM + b"zip", "y/": b""}))
    (folder / "nothing.zip").write_bytes(zip_of({"y/": b""}))
    (folder / "unreadable.png").write_bytes(FILM)
    (folder / ".DS_Store").write_bytes(b"litter")
    (folder / "unreadable.png").unlink()
    (folder / "unreadable.png").symlink_to("/proc/self/mem")  # a file by its kind; root, too, cannot read its start
    code, said = Run(url, folder, "--out", tmp_path / "out.csv", "--per-job", "4").end()
    assert code == 3, said
    found = {row["name"]: row["finding"] or row["code"] for row in rows(tmp_path / "out.csv")}
    judged = dict.fromkeys([f"{number:03d}.png" for number in range(5)] + ["folder.zip/x.png"], "pneumonia")
    refused = {"empty.png": "empty_file", "nothing.zip": "no_images", "unreadable.png": "unreadable_file"}
    assert found == {**judged, **refused}
    assert len(parts.jobs.recent()) == 2  # of the third batch nothing could be read
    for name in refused:
        assert f"refused: {name}" in said
    assert "passed over" in said
    assert ".DS_Store" in said
    assert "6 pneumonia, 3 refused" in said
    assert "8 files sent, 9 rows (1 zip opened), 1 not sent, 1 passed over" in said
    assert not (tmp_path / "out.csv.jobs").exists()


def test_every_row_names_its_file_whatever_that_is_called(
    start: Callable[..., tuple[str, Parts]], tmp_path: Path
) -> None:
    url, _ = start()
    names = ['a".png', "b\n.png", "c%22.png", "d" * 200 + "/" + "e" * 200 + ".png", "z/1.png"]
    for name in [*names, "second/z/1.png"]:
        (tmp_path / "films" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "films" / name).write_bytes(FILM + name.encode())
    folders = [tmp_path / "films", tmp_path / "films" / "second"]
    code, said = Run(url, *folders, "--out", tmp_path / "out.csv").end()
    assert code == 0, said
    paths = [row["path"] for row in rows(tmp_path / "out.csv")]
    given = [*names, "second/z/1.png", "second/z/1.png"]
    assert sorted(paths) == sorted(str(tmp_path / "films" / name) for name in given)
    assert "7 files sent, 7 rows\n" in said


def test_an_interrupted_run_goes_on_without_sending_anything_twice(
    start: Callable[..., tuple[str, Parts]], redis_stack: Stack, tmp_path: Path
) -> None:
    url, parts = start(answers=False)
    words = (films(tmp_path / "films", 6), "--out", tmp_path / "out.csv", "--per-job", "2")
    for with_signal, expected in ((signal.SIGKILL, {-signal.SIGKILL}), (signal.SIGINT, ENDED_BY_CTRL_C)):
        run = Run(url, *words)
        wait_until(lambda: len(parts.jobs.recent()) == 3, TIMEOUT_S, "all batches to be sent")
        wait_until(
            lambda: len((tmp_path / "out.csv.jobs").read_text().split()) >= 12, TIMEOUT_S, "all batches to be kept"
        )
        wait_until((tmp_path / "out.csv.part").exists, TIMEOUT_S, "the run to be under way")
        run.process.send_signal(with_signal)
        code, said = run.end()
        assert code in expected, said
        assert not (tmp_path / "out.csv").exists()
        (tmp_path / "out.csv.part").unlink(missing_ok=True)
    assert "Run the same command again" in said
    (tmp_path / "out.csv.jobs").unlink()  # what the idempotency keys are for: the answer to a post was lost
    with answering(parts, redis_stack.leases):
        code, said = Run(url, *words).end()
    assert code == 0, said
    assert len(rows(tmp_path / "out.csv")) == 6
    assert len(parts.jobs.recent()) == 3


def test_a_fresh_run_makes_new_jobs(start: Callable[..., tuple[str, Parts]], tmp_path: Path) -> None:
    url, parts = start()
    words = (films(tmp_path / "films", 1), "--out", tmp_path / "out.ndjson")
    for more, jobs in (((), 1), ((), 1), (("--fresh",), 2)):
        assert Run(url, *words, *more).end()[0] == 0
        assert len(parts.jobs.recent()) == jobs


@pytest.mark.parametrize(
    "settings",
    [{"max_owner_images": 3}, {"max_backlog_images": 3}, {"max_images_per_job": 2}, {"max_request_bytes": 4000}],
)
def test_a_gateway_with_little_room_is_sent_little(
    start: Callable[..., tuple[str, Parts]], tmp_path: Path, settings: dict[str, int]
) -> None:
    url, parts = start(**settings)
    code, said = Run(url, films(tmp_path / "films", 8), "--out", tmp_path / "out.json").end()
    assert code == 0, said
    assert "8 images: 8 pneumonia" in said
    assert len(parts.jobs.recent()) > 1


def test_a_film_that_alone_is_too_large_is_refused_by_name(
    start: Callable[..., tuple[str, Parts]], tmp_path: Path
) -> None:
    url, _ = start(max_request_bytes=20_000)
    folder = films(tmp_path / "films", 2)
    (folder / "large.png").write_bytes(FILM + bytes(20_000))
    code, said = Run(url, folder, "--out", tmp_path / "out.csv").end()
    assert code == 3, said
    assert {row["name"]: row["code"] for row in rows(tmp_path / "out.csv")}["large.png"] == "request_too_large"


def ends_at_once(url: str, folder: Path) -> str:
    """What a run at a wrong address says: it has refused no film, and goes on later from where it was."""
    out, state = folder / "out.csv", folder / "out.csv.jobs"
    state.write_text('{"key": "folder-1", "job": "1"}\n')
    code, said = Run(url, films(folder / "films", 4), "--out", out).end()
    assert code == 1, said
    assert "Is --url the gateway's address? Run the same command again to go on." in said
    assert (state.read_text().count("\n"), out.exists()) == (1, False)
    return said


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {"status": 308, "Location": "https://films.example/v1/jobs"},
            "http_308: from {}, which points to https://films",
        ),
        ({"status": 404}, "http_404: from {}."),
        ({"status": 422, "body": b'{"detail": "another program"}'}, "http_422: from {}."),
        ({"status": 200}, "not_a_gateway: {} answers something else."),
    ],
    ids=["redirected", "not there", "another program", "a page"],
)
def test_an_address_that_is_no_gateways_ends_the_run_at_once(
    tmp_path: Path, answer: dict[str, Any], expected: str
) -> None:
    with elsewhere(**answer) as (url, posts):
        said = ends_at_once(url, tmp_path)
    assert "refused: " + expected.format(f"{url}/v1/jobs") in said
    assert posts == ["/v1/jobs"]


def test_a_wrong_path_of_a_gateway_ends_the_run_at_once(
    start: Callable[..., tuple[str, Parts]], tmp_path: Path
) -> None:
    url, _ = start()
    assert "refused: no_such_route: POST /nowhere/v1/jobs." in ends_at_once(f"{url}/nowhere", tmp_path)


def test_what_is_too_large_for_a_proxy_is_halved(tmp_path: Path) -> None:
    with elsewhere(413) as (url, posts):
        code, said = Run(url, films(tmp_path / "films", 4), "--out", tmp_path / "out.csv").end()
    assert (code, len(posts)) == (3, 7), said
    assert [row["code"] for row in rows(tmp_path / "out.csv")] == ["http_413"] * 4


def test_a_gateway_that_is_away_is_waited_for_and_given_up(tmp_path: Path) -> None:
    words = (films(tmp_path / "films", 1), "--out", tmp_path / "out.csv", "--patience-s", "2")
    started = time.monotonic()
    code, said = Run(None, *words, CXR_GATEWAY_PORT="1").end()
    assert code == 1
    assert time.monotonic() - started >= 2
    assert said.count("no connection to http://127.0.0.1:1: ") == 1
    assert "gave up: nothing went on for 2 s" in said
    assert not (tmp_path / "out.csv").exists()
    code, said = Run(None, *words[:-1], "0", CXR_GATEWAY_PORT="1").end()
    assert "gave up: no connection to http://127.0.0.1:1: " in said


def test_a_key_is_shown_from_file_or_environment(start: Callable[..., tuple[str, Parts]], tmp_path: Path) -> None:
    access, folder, out = tmp_path / "access.json", films(tmp_path / "films", 1), tmp_path / "out.csv"
    create = [sys.executable, "-m", "gateway", "keys", "create", "--owner", "ward", "--name", "test", "--file", access]
    key = subprocess.run(create, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()
    (tmp_path / "key").write_text(key + "\n")
    url, parts = start(access_file=access)
    code, said = Run(url, folder, "--out", out).end()
    assert code == 4
    assert "not_signed_in" in said
    assert Run(url, folder, "--out", out, CXR_API_KEY="wrong").end()[0] == 4
    assert Run(url, folder, "--out", out, CXR_API_KEY=key).end()[0] == 0
    assert Run(url, folder, "--out", out, "--api-key-file", tmp_path / "key").end()[0] == 0
    assert len(parts.jobs.seen_by("ward").recent()) == 1
    with pytest.raises(CxrError):
        parts.jobs.seen_by("other").job(rows(out)[0]["job_id"])


def test_a_folder_without_films_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "DICOMDIR").write_bytes(b"x")
    code, said = Run("http://127.0.0.1:1", tmp_path, "--out", tmp_path / "out.csv").end()
    assert (code, "no film in" in said) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["DICOMDIR"]


@pytest.mark.parametrize(
    "words",
    [
        ("nowhere", "--out", "out.csv"),
        ("docs", "--out", "out.xlsx"),
        ("docs", "--out", "no/such/folder/out.csv"),
        ("docs", "--out", "out.csv", "--api-key-file", "nowhere"),
    ],
)
def test_wrong_arguments_end_with_2(words: tuple[str, ...]) -> None:
    code, said = Run("http://127.0.0.1:1", *words).end()
    assert code == 2
    assert "error: " in said
    assert "Traceback" not in said
