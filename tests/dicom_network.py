"""The DICOM door as a process, and dcmtk's tools as its peers."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pydicom

from deploy.local.settings import ROOT
from tests.programs import program
from tests.stack import Stack, free_port, wait_until

AE_TITLE = "PNEUMOSERVE"


class DoorProcess:
    """``python -m gateway dicom`` beside a running stack."""

    def __init__(self, stack: Stack, folder: Path, **variables: str) -> None:
        self.port = free_port()
        self._log = folder / f"door-{self.port}.log"
        self._variables = {"CXR_DICOM_PORT": str(self.port), **variables}
        self._stack = stack
        self.start()

    def start(self) -> None:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gateway", "dicom"],
                env={**self._stack.environment(), **self._variables},
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: self._process.poll() is not None or "dicom_door_open" in self.log(), 60, "the door to open")
        assert self._process.poll() is None, self.log()

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        self._process.send_signal(with_signal)
        return self._process.wait(60)

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def echo(self, called: str = AE_TITLE, calling: str = "MODALITY") -> subprocess.CompletedProcess[str]:
        return self._scu("echoscu", called, calling)

    def store(
        self, *paths: Path, options: tuple[str, ...] = (), calling: str = "MODALITY"
    ) -> subprocess.CompletedProcess[str]:
        """Send files in one association; what the tool says names the status of each."""
        return self._scu("storescu", AE_TITLE, calling, *options, files=paths)

    def _scu(
        self, name: str, called: str, calling: str, *options: str, files: tuple[Path, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        words = [program(name, "dcmtk"), "-v", "-aet", calling, "-aec", called, *options, "127.0.0.1", str(self.port)]
        return subprocess.run(
            [*words, *map(str, files)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )


class Archive:
    """A node that takes results: dcmtk's storescp, writing what it gets into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.folder.mkdir()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return f"ARCHIVE@127.0.0.1:{self.port}"

    def start(self) -> None:
        words = [program("storescp", "dcmtk"), "-aet", "ARCHIVE", "-od", str(self.folder), str(self.port)]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._listens, 20, "storescp to listen")

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def files(self) -> list[Path]:
        return sorted(self.folder.iterdir())

    def results(self) -> list[pydicom.Dataset]:
        """What has arrived whole."""
        found = []
        for path in self.files():
            try:
                found.append(pydicom.dcmread(path))
            except (pydicom.errors.InvalidDicomError, EOFError):
                continue
        return found

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
