"""One peer's server, for as long as it is wanted, and one film after the other through its door."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from queue import SimpleQueue
from threading import local

from bench.drive import Measurement, drive
from bench.films import originals
from bench.peers.doors import Door, Way
from bench.served import engine_file, served_parameters
from deploy.local.settings import ROOT
from tests.stack import free_port

START_TIMEOUT_S, CALL_TIMEOUT_S, STOP_TIMEOUT_S = 120.0, 120.0, 15.0
IN_FLIGHT = 32


class PeerFailed(Exception):
    """A peer could not be started or did not answer; the text has its own words."""


class Client:
    """Sends one film a call over a connection that stays open; safe from any thread."""

    def __init__(self, port: int, door: Door) -> None:
        self._port, self._door, self._mine = port, door, local()
        self._wrapped = [
            door.wrap(film) for film in originals()
        ]  # wrapped beforehand: the client is not what is compared
        self._turns: SimpleQueue[int] = SimpleQueue()
        for number in range(len(self._wrapped)):
            self._turns.put(number)

    def call(self) -> int:
        number = self._turns.get()
        self._turns.put(number)
        body, headers = self._wrapped[number]
        if not hasattr(self._mine, "connection"):
            self._mine.connection = HTTPConnection("127.0.0.1", self._port, timeout=CALL_TIMEOUT_S)
        self._mine.connection.request("POST", self._door.path, body, headers)
        answer = self._mine.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise PeerFailed(f"{self._door.name} answered {answer.status}: {content[:200]!r}")
        return 1


@contextmanager
def serving(door: Door, way: Way, folder: Path) -> Iterator[Client]:
    """Start a peer and let it judge until all its processes are warm; end it and its children afterwards."""
    if not Path(door.python).exists():
        raise PeerFailed(f"{door.environment} is missing: make bench-peers")
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PEER_DECODER": way.decoder,
        "PEER_ENGINE": way.engine,
        "PEER_MODEL": str(engine_file()),
        "PEER_PARAMETERS": json.dumps(served_parameters()),
        # None of them needs to tell its makers that it was used.
        "BENTOML_DO_NOT_TRACK": "True",
        "RAY_USAGE_STATS_ENABLED": "0",
        "OTEL_SDK_DISABLED": "true",
    }
    log = folder / f"{door.name}, {way.words}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [door.python, "-m", door.module, str(port)],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            process_group=0,
        )
    try:
        _await(door, port, process, log)
        client = Client(port, door)
        drive(client.call, 2.0, IN_FLIGHT)
        yield client
    finally:
        _end(process)


def measured(client: Client, seconds: float) -> Measurement:
    return drive(client.call, seconds, IN_FLIGHT)


def _await(door: Door, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until one film is judged: some say that they are ready before they are."""
    client, deadline, said = Client(port, door), time.monotonic() + START_TIMEOUT_S, ""
    while time.monotonic() < deadline and process.poll() is None:
        try:
            client.call()
            return
        except (OSError, HTTPException, PeerFailed) as error:
            said = str(error)
            client = Client(port, door)
            time.sleep(0.5)
    raise PeerFailed(f"{door.name} did not start ({said}): {log.read_text(errors='replace')[-300:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """The whole session: its processes and those they left behind."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_TIMEOUT_S)
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and _session(entry) == process.pid:
            with suppress(ProcessLookupError):
                os.kill(int(entry.name), signal.SIGKILL)
    process.wait()


def _session(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[3])  # proc(5)
    except (OSError, IndexError):
        return 0
