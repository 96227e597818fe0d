"""A Triton that is added under a known name, or comes back, gets films from clients that run; no request fails."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from cxr.imaging import IMAGE_SIZE_PX
from cxr.triton import ModelClient
from deploy.local import triton as local_triton
from deploy.local.settings import LocalSettings
from tests.name_server import NameServer
from tests.prometheus import samples
from tests.stack import free_port, wait_until
from trainer.contract import MODEL_NAME

FIRST, SECOND = "127.0.0.1", "127.0.0.2"
# As the manifests have it, but for how long a connection lives.
AGE = ("--grpc-max-connection-age=1000", "--grpc-max-connection-age-grace=60000")


class Server:
    """A tritonserver at an address of this machine, started at once and awaited by ``wait``."""

    def __init__(self, folder: Path, address: str, port: int, *more: str) -> None:
        self._at, self._metrics_port, folder = f"{address}:{port}", free_port(), folder / address
        folder.mkdir(exist_ok=True)
        local = LocalSettings(local_dir=folder, triton_port=port, triton_metrics_port=self._metrics_port)
        local_triton.link_backend(folder / "backends")
        words = [word for word in local_triton.command(local) if not word.startswith("--grpc-address")]
        with (folder / "triton.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*words, f"--grpc-address={address}", *more],
                env=local_triton.environment(),
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def wait(self) -> None:
        model = ModelClient(self._at, MODEL_NAME, timeout_s=5)
        wait_until(model.ready, 120, f"the Triton at {self._at} to be ready")
        wait_until(self._shows_metrics, 20, f"the Triton at {self._at} to show its metrics")
        model.close()

    def _shows_metrics(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._metrics_port)) == 0

    def judged(self) -> float:
        counted = f'nv_inference_count{{model="{MODEL_NAME}",'
        found = samples(f"http://127.0.0.1:{self._metrics_port}/metrics")
        return sum(value for name, value in found.items() if name.startswith(counted))

    def gets_nothing(self) -> bool:
        before = self.judged()
        time.sleep(0.5)
        return self.judged() == before

    def kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Asking:
    """Threads that ask a model without a pause; ``stop`` gives what failed."""

    def __init__(self, model: ModelClient, threads: int = 2) -> None:
        self.answered, self._failed, self._stopping = 0, list[Exception](), Event()
        self._threads = [Thread(target=self._ask, args=(model,)) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> list[Exception]:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        return self._failed

    def _ask(self, model: ModelClient) -> None:
        films = np.full((2, 1, IMAGE_SIZE_PX, IMAGE_SIZE_PX), 90, np.uint8)
        while not self._stopping.is_set():
            try:
                model.infer(films)
                self.answered += 1
            except Exception as error:  # whatever it is, it is the test's to judge
                self._failed.append(error)


@pytest.fixture
def names() -> Iterator[NameServer]:
    server = NameServer([FIRST])
    yield server
    server.close()


def test_one_that_is_added_and_one_that_comes_back_are_found(tmp_path: Path, names: NameServer) -> None:
    port = free_port()
    model = ModelClient(names.target(port), MODEL_NAME, timeout_s=30)
    servers = [Server(tmp_path, FIRST, port, *AGE)]
    asking = None
    try:
        servers[0].wait()
        asking = Asking(model)
        wait_until(lambda: asking.answered > 0, 30, "the first answer")
        for _ in ("added", "back"):
            second = Server(tmp_path, SECOND, port, *AGE)
            servers.append(second)
            second.wait()
            before = second.judged()  # what it warmed up with
            names.addresses = [FIRST, SECOND]
            wait_until(lambda: second.judged() > before + 10, 30, "the second Triton to get films")  # noqa: B023
            names.addresses = [FIRST]
            wait_until(second.gets_nothing, 30, "the second Triton to be left out")
            second.kill()
        assert asking.stop() == []
    finally:
        if asking:
            asking.stop()
        for server in servers:
            server.kill()
        model.close()
