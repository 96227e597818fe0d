"""The pip-installed tritonserver, with one model that this Python, and so its torch, runs."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.gpu.orders import COMPILED_BATCHES, FILM_SHAPE, LARGEST_REQUEST, OUTPUTS, REQUEST_SIZES, ROOT, Orders
from deploy.local.triton import libpython_dir, link_backend

MODEL = "films"
BATCHES = tuple(sorted({*REQUEST_SIZES, 32, 128, LARGEST_REQUEST}))
SHARED_MEMORY_BYTES = 128 * 1024**2  # of each instance, from the beginning: films of two full batches and answers
START_S = 100.0  # imports, captures and, where it is asked for, compilations


class ServerNotReady(RuntimeError):
    """The server ended, or was not ready in time: the end of what it said."""


@contextmanager
def serving(orders: Orders, folder: Path) -> Iterator[str]:
    """The address of a server that has the model ready; ``folder`` takes repository and log."""
    package_dir()  # asked first, for what follows leaves the process where there is none
    repository = write_repository(orders, folder / "repository")
    link_backend(folder / "backends")
    port, log = free_port(), folder / "server.log"
    with (
        log.open("wb") as sink,
        subprocess.Popen(
            command(repository, folder / "backends", port), env=environment(), cwd=ROOT, stdout=sink, stderr=sink
        ) as server,
    ):
        try:
            await_ready(server, port, log)
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


def write_repository(orders: Orders, repository: Path) -> Path:
    """A model folder as Triton reads it: configuration, and ``model.py`` as version 1."""
    version = repository / MODEL / "1"
    version.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("model.py"), version)
    (repository / MODEL / "config.pbtxt").write_text(config(orders))
    return repository


def config(orders: Orders) -> str:
    """One instance is one process with its own graphs; its tensors come and go through host memory."""
    batches = (1, 8) if orders.quick else BATCHES
    lines = [f'name: "{MODEL}"', 'backend: "python"', f"max_batch_size: {max(batches)}"]
    lines.append(f'input {{ name: "IMAGE" data_type: TYPE_UINT8 dims: {list(FILM_SHAPE)} }}')
    shapes = dict(zip(OUTPUTS, ("[1]", "[-1, -1]", "[1]"), strict=True))
    lines += [f'output {{ name: "{name}" data_type: TYPE_FP32 dims: {dims} }}' for name, dims in shapes.items()]
    lines += [f"instance_group {{ count: {orders.instances} kind: KIND_CPU }}", "dynamic_batching {}"]
    parameters = {
        "served": str(Path(orders.model).absolute()),
        "device": orders.device,
        "batches": json.dumps(batches),
        "compiled": json.dumps(COMPILED_BATCHES if orders.serve_compiled else ()),
    }
    lines += [f'parameters {{ key: "{key}" value {{ string_value: "{text}" }} }}' for key, text in parameters.items()]
    return "\n".join(lines) + "\n"


def command(repository: Path, backends: Path, port: int) -> list[str]:
    """gRPC alone, on loopback."""
    return [
        str(package_dir() / "tritonserver" / "bin" / "tritonserver"),
        f"--model-repository={repository}",
        f"--backend-directory={backends}",
        f"--backend-config=python,shm-default-byte-size={SHARED_MEMORY_BYTES}",
        f"--backend-config=python,stub-timeout-seconds={START_S:.0f}",
        "--grpc-address=127.0.0.1",
        f"--grpc-port={port}",
        "--allow-http=false",
        "--allow-metrics=false",
        "--exit-timeout-secs=5",
    ]


def package_dir() -> Path:
    """Where nvidia-pytriton lies; it is not imported, for that takes all that it needs. Raises ``ServerNotReady``."""
    package = find_spec("pytriton")
    if package is None or package.origin is None:
        raise ServerNotReady("nvidia-pytriton, which carries tritonserver, is not installed")
    return Path(package.origin).parent


def environment() -> dict[str, str]:
    """The stub finds its Python, as a virtual environment, by ``python3`` on the path; and our folders beside it."""
    libraries = [str(package_dir().parent / "nvidia_pytriton.libs"), str(libpython_dir())]
    paths = [str(ROOT), sysconfig.get_path("purelib"), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "LD_LIBRARY_PATH": ":".join(filter(None, [*libraries, os.environ.get("LD_LIBRARY_PATH", "")])),
        "PYTHONPATH": ":".join(filter(None, paths)),
        "TORCHINDUCTOR_COMPILE_THREADS": "1",  # its helpers would be started by an interpreter the stub is not
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
    }


def await_ready(server: subprocess.Popen[Any], port: int, log: Path) -> None:
    """Raises ``ServerNotReady``."""
    import tritonclient.grpc as triton
    from tritonclient.utils import InferenceServerException

    end = time.monotonic() + START_S
    client = triton.InferenceServerClient(f"127.0.0.1:{port}")
    while time.monotonic() < end and server.poll() is None:
        try:
            if client.is_model_ready(MODEL):
                client.close()
                return
        except InferenceServerException:
            pass
        time.sleep(0.2)
    raise ServerNotReady(log.read_text(errors="replace")[-2000:])


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
