"""The benches' own parts: what makes their figures trustworthy."""

from __future__ import annotations

import email
import io
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from bench import aims
from bench.__main__ import BENCHES, cli
from bench.aims import AIMS, Aim
from bench.ceiling import ceiling
from bench.documents import write_section
from bench.drive import drive
from bench.figures import Figure, percentile
from bench.films import numbered
from bench.outcome import DOCUMENT
from bench.peers.doors import DOORS, multipart
from deploy.local.settings import ROOT
from tests.files import jpeg
from tests.stack import free_port, wait_until


def test_every_bench_says_what_it_measures() -> None:
    answer = CliRunner().invoke(cli, ["--help"])
    assert answer.exit_code == 0
    assert all(name in answer.stdout for name in BENCHES)


def test_a_ratio_compares_round_with_round() -> None:
    slow_machine_in_round_two = Figure.of([100, 50, 100]), Figure.of([50, 25, 50])
    ratio = slow_machine_in_round_two[0].ratio_to(slow_machine_in_round_two[1])
    assert ratio.values == (2, 2, 2)
    assert Figure.of([1, 3, 2]).text() == "2 (1 to 3)"


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile(list(range(100)), 50) == 50
    assert percentile(list(range(100)), 99) == 99
    assert percentile([7.0], 99) == 7.0


def test_the_ceiling_is_what_two_costs_leave() -> None:
    assert ceiling(300, 300) == pytest.approx(150)


def test_a_numbered_film_has_other_bytes_and_the_same_pixels() -> None:
    film = jpeg()
    pictures = [np.asarray(Image.open(io.BytesIO(content))) for content in (film, numbered(film, "7"))]
    assert numbered(film, "7") not in (film, numbered(film, "8"))
    assert (pictures[0] == pictures[1]).all()


def test_a_drive_counts_all_threads_and_passes_failures_on() -> None:
    measured = drive(lambda: 2, seconds=0, in_flight=3)
    assert measured.images == 6
    assert len(measured.calls_s) == 3
    with pytest.raises(ZeroDivisionError):
        drive(lambda: 1 // 0, seconds=0)


def test_each_bench_owns_its_section(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("# Performance\n\nWhat is said here stays.\n")
    for owner, text in (("bench a", "one"), ("bench b", "two"), ("bench a", "three")):
        write_section(document, owner, owner, text)
    written = document.read_text()
    assert "What is said here stays." in written
    assert "one" not in written
    assert written.index("three") < written.index("two")


@pytest.mark.parametrize(("measured", "reached"), [(0.9, "aim"), (1.054, "least"), (1.06, "no")])
def test_a_ratio_that_ought_to_be_small_reaches_its_aim_from_below(measured: float, reached: str) -> None:
    assert Aim("", "", "", least=1.05, aim=1.0).verdict(Figure.of([measured])) == reached


@pytest.mark.parametrize(("measured", "reached"), [(1.5, "aim"), (1.196, "least"), (1.19, "no")])
def test_a_ratio_that_ought_to_be_large_reaches_its_aim_from_above(measured: float, reached: str) -> None:
    assert Aim("", "", "", least=1.2, aim=1.5).verdict(Figure.of([measured])) == reached


def test_the_aims_are_shown_beside_what_was_measured_and_nothing_else_is(tmp_path: Path) -> None:
    aim = AIMS[0]
    assert aims.rows(tmp_path) == []
    (tmp_path / f"{aim.bench}.json").write_text(json.dumps({"figures": {aim.figure: [aim.aim, aim.aim, aim.aim]}}))
    (tmp_path / "gpu.json").write_text("{}")
    [row] = aims.rows(tmp_path)
    assert row[0] == aim.words
    assert row[4] == "aim"


def test_the_document_says_of_every_aim_what_was_measured() -> None:
    document = DOCUMENT.read_text()
    assert [one.words for one in AIMS if f"| {one.words} |" not in document] == []


def _connected(port: int) -> socket.socket:
    found: list[socket.socket] = []

    def connects() -> bool:
        try:
            found.append(socket.create_connection(("127.0.0.1", port), timeout=60))
        except ConnectionRefusedError:
            return False
        return True

    wait_until(connects, 60, "the proxy to listen")
    return found[0]


def test_the_delay_is_distance_not_a_narrow_line() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as server:
        words = [sys.executable, "-m", "bench.delay", str(port), str(server.getsockname()[1]), "200"]
        with subprocess.Popen(words, cwd=ROOT) as proxy:
            try:
                with _connected(port) as here, server.accept()[0] as there:
                    start = time.monotonic()
                    here.sendall(b"question")
                    assert there.recv(8) == b"question"
                    there.sendall(b"answer")
                    assert here.recv(6) == b"answer"
                    assert time.monotonic() - start >= 0.4
                    here.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    start = time.monotonic()
                    for number in range(20):
                        here.sendall(bytes([number]))
                        time.sleep(0.01)  # so that each comes by itself
                    received = b""
                    while len(received) < 20:
                        received += there.recv(64)
                    assert received == bytes(range(20))
                    assert time.monotonic() - start < 2, "0.2 s after one another they take 4 s"
            finally:
                proxy.kill()


def test_every_peer_is_a_file_of_its_own() -> None:
    assert {door.module for door in DOORS} == {
        f"bench.peers.{name}" for name in ("fastapi", "litserve", "bentoml", "mlserver", "ray_serve")
    }
    assert all((ROOT / f"{door.module.replace('.', '/')}.py").is_file() for door in DOORS)


def test_a_film_is_wrapped_as_a_browser_wraps_it() -> None:
    body, headers = multipart(b"one", b"two", field="files")
    message = email.message_from_bytes(f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + body)
    assert [part.get_payload() for part in message.walk() if not part.is_multipart()] == ["one", "two"]
