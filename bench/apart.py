"""Loads of ``bench.loads`` in processes of their own, seen from here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.drive import Measurement
from deploy.local.settings import ROOT

PEERS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"


class Apart:
    """One load in a process of its own, which waits until it is told to measure. Raises ``LoadFailed``."""

    def __init__(self, kind: str, python: Path | str = sys.executable, **orders: object) -> None:
        self.name = f"{kind} {orders}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CXR_REDIS")}
        self._process = subprocess.Popen(
            [str(python), "-m", "bench.loads", kind, json.dumps(orders)],
            cwd=ROOT,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._ready = False

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self, seconds: float, batch: int = 1, in_flight: int = 1) -> None:
        """Have it measure, without waiting."""
        self.await_ready()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"seconds": seconds, "batch": batch, "in_flight": in_flight}) + "\n")
        self._process.stdin.flush()

    def end(self) -> Measurement:
        """Wait for what it measured."""
        found = json.loads(self._line())
        return Measurement(found["images"], found["clock_s"], found["processor_s"], tuple(found["calls_s"]))

    def measure(self, seconds: float, batch: int = 1, in_flight: int = 1) -> Measurement:
        self.begin(seconds, batch, in_flight)
        return self.end()

    def await_ready(self) -> None:
        while not self._ready:
            self._ready = self._line().strip() == "ready"

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            said = self._process.communicate()[1].strip().splitlines()
            raise LoadFailed(f"{self.name}: {said[-1] if said else 'ended without a word'}")
        return line


class LoadFailed(Exception):
    """A load could not be started, or ended in its work; the text ends with its own last words."""


def together(loads: Sequence[Apart], seconds: float) -> tuple[float, float]:
    """All of them at once: images per second of all, and processor milliseconds of an image."""
    for load in loads:
        load.await_ready()
    for load in loads:
        load.begin(seconds)
    found = [load.end() for load in loads]
    processor_s = sum(one.processor_s for one in found)
    return sum(one.images_per_s for one in found), 1000 * processor_s / sum(one.images for one in found)
