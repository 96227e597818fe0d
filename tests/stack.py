"""The real stack for tests: the Procfile's own processes, on free ports, in a folder of their own."""

from __future__ import annotations

import copy
import hashlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from celery import Celery
from honcho.environ import parse_procfile
from kombu import pools

from cxr.blobs import blob_store
from cxr.errors import CxrError
from cxr.jobs import JobStore, Leases, Ledger
from cxr.queue import ChunkQueue, celery_app
from cxr.schemas import JobImage, JobState, Prediction, QueueName, Rejection
from cxr.settings import Settings
from cxr.triton import ModelClient
from deploy.local.settings import ROOT, LocalSettings

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def close_connections(app: Celery) -> None:
    """Close an application's connections to its broker. Kombu keeps pools by address, closed ones too: a later stack
    that happens to get the same port would be given them.
    """
    app.pool.force_close_all()
    for group in (pools.producers, pools.connections):
        with suppress(KeyError):
            del group[app.connection_for_write()]


def wait_until(true: Callable[[], object], timeout_s: float, what: str) -> None:
    """Ask ``true`` until it agrees; fail with ``what`` after ``timeout_s``."""
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:.0f} s in vain: {what}")
        time.sleep(0.05)


class Stack:
    """Starts, stops and kills the processes of the Procfile one by one; ``worker-2`` is a second ``worker``.

    ``commands`` take the place of those in the Procfile.
    """

    def __init__(self, folder: Path, commands: Mapping[str, str] | None = None, **environment: str) -> None:
        self.folder = folder
        self.local = LocalSettings(
            gateway_port=free_port(), redis_port=free_port(), triton_port=free_port(), local_dir=folder
        )
        self._environment = {**self.local.process_environment(), "CXR_RECONCILE_INTERVAL_S": "0.5", **environment}
        self._environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{self._environment['PATH']}"
        self._commands = {**parse_procfile((ROOT / "Procfile").read_text()).processes, **(commands or {})}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._gateway_ports = {"gateway": self.local.gateway_port}  # another gateway gets one when it is first started
        self.settings = Settings.model_validate(
            {
                name.removeprefix("CXR_").lower(): value
                for name, value in self._environment.items()
                if name.startswith("CXR_") and name.removeprefix("CXR_").lower() in Settings.model_fields
            }
        )
        self.gateway_url = f"http://127.0.0.1:{self.local.gateway_port}"
        self.ledger = Ledger(self.settings.redis_url)
        self.jobs = JobStore(self.ledger, self.settings)
        self.leases = Leases(self.ledger, self.settings)
        self.blobs = blob_store(self.settings)
        self._celery = celery_app(self.settings.redis_url)
        self.queue = ChunkQueue(self._celery)
        self.model = ModelClient(self.settings.triton_url, self.settings.model_name, timeout_s=10)

    def environment(self) -> dict[str, str]:
        """In which another process of ours finds this stack."""
        return dict(self._environment)

    def set_environment(self, **variables: str) -> None:
        """For the processes that are started from now on."""
        self._environment.update(variables)

    def start(self, *names: str) -> None:
        """Start processes and wait until redis, triton and gateway answer."""
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as log:
                kind = name.partition("-")[0]
                command = shlex.split(self._commands[kind])
                ours = {"CXR_GATEWAY_PORT": str(self.gateway_port(name))} if kind == "gateway" else {}
                self._running[name] = subprocess.Popen(
                    command[1:] if command[0] == "exec" else command,
                    env=self._environment | ours,
                    cwd=ROOT,
                    stdout=log,
                    stderr=log,
                    process_group=0,
                )
        for name in names:
            wait_until(
                lambda name=name: self._answers(name), START_TIMEOUT_S, f"{name} to start\n{self.log(name)[-3000:]}"
            )

    def beside(self, **environment: str) -> Stack:
        """The same ledger, image store and model, for one more gateway: on a port of its own, with other settings."""
        other = copy.copy(self)
        port = free_port()
        other.local = self.local.model_copy(update={"gateway_port": port})
        other.gateway_url = f"http://127.0.0.1:{port}"
        other.folder = self.folder / f"beside-{port}"
        other.folder.mkdir()
        other._environment = {**self._environment, **environment}
        other._running, other._gateway_ports = {}, {"gateway": port}
        return other

    def submit(self, files: Sequence[bytes], queue: QueueName = QueueName.BATCH) -> str:
        """Make a job as the gateway does, without the gateway; returns its id."""
        job_id = self.jobs.create(queue)
        images = [
            JobImage(name=f"film-{number}", sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
            for number, content in enumerate(files)
        ]
        self.jobs.append(job_id, [(image, None) for image in images])
        for content in files:
            self.blobs.put(content)
        self.queue.enqueue(queue, self.jobs.submit(job_id))
        return job_id

    def results(self, job_id: str, timeout_s: float = 60.0) -> list[Prediction | Rejection]:
        """Wait until a job is done; its answers in order."""
        wait_until(lambda: self.jobs.job(job_id).state is JobState.DONE, timeout_s, f"job {self.jobs.job(job_id)}")
        answers = [row.result for row in self.jobs.results(job_id)]
        assert None not in answers
        return [answer for answer in answers if answer is not None]

    def stop(self, name: str, with_signal: signal.Signals = signal.SIGTERM) -> None:
        """Signal a process group and wait until it is gone; after 20 s it is killed."""
        self._stop([name], with_signal)

    def _stop(self, names: Sequence[str], with_signal: signal.Signals) -> None:
        stopping = [self._running.pop(name) for name in names]
        for process in stopping:
            with suppress(ProcessLookupError):  # it has ended by itself
                os.killpg(process.pid, with_signal)
        for process in stopping:
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def close(self) -> None:
        self.model.close()
        close_connections(self._celery)
        self.ledger.redis.close()
        self._stop([name for name in self._running if name != "redis"], signal.SIGTERM)
        self._stop(list(self._running), signal.SIGTERM)  # last: the others say their last words to it

    def gateway_port(self, name: str) -> int:
        """Where a gateway listens: ``gateway`` at ``gateway_url``, ``gateway-2`` elsewhere."""
        return self._gateway_ports.setdefault(name, free_port())

    def pid(self, name: str) -> int:
        """The process that was started last under this name."""
        return self._running[name].pid

    def process(self, name: str) -> subprocess.Popen[bytes]:
        return self._running[name]

    def alive(self, name: str) -> bool:
        return self._running[name].poll() is None

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def _answers(self, name: str) -> bool:
        if not self.alive(name):
            raise AssertionError(f"{name} ended: {self.log(name)[-3000:]}")
        if name == "triton":
            return self.model.ready()
        if name == "redis":
            try:
                self.ledger.ping()
            except CxrError:
                return False
            return True
        return not name.startswith("gateway") or _listens(self.gateway_port(name))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
