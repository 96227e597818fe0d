"""What an init container does before Triton may start: the engine of this machine's GPU, brought, built, proved.

copy      the model repository, from the image into the folder that Triton will serve
fetch     the engine that another machine of this kind has left in the engines' folder
build     ``trainer.engine``: only where there is none, or it is stale
prove     this machine's tritonserver answers the golden set on loopback
keep      the engine goes into the engines' folder for the next machine
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import rich
import typer

from cxr.triton import ModelClient
from trainer.contract import MODEL_NAME
from trainer.engine import engine, load_tensorrt, visible_gpu
from trainer.golden import PHANTOMS, GoldenSet, disagreements
from trainer.plan import PLAN, sidecar
from trainer.refusals import EngineUnavailable, GateClosed
from trainer.repository import card_to_serve
from trainer.scorers import in_batches, triton_scorer

START_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 30.0


def provision(
    source: Annotated[Path, typer.Option(help="The model repository inside the image.")] = Path("/models"),
    repository: Annotated[Path, typer.Option(help="Where Triton will read it.")] = Path("/repository"),
    engines: Annotated[Path, typer.Option(help="Where engines are kept for other machines.")] = Path("/engines"),
    config_name: Annotated[str, typer.Option(help="A configs/*.pbtxt that needs no plan, such as cpu.")] = "",
) -> None:
    """Bring a model repository whose engine was built for this machine and proved on it."""
    shutil.copytree(source, repository, dirs_exist_ok=True)
    plan = repository / MODEL_NAME / str(card_to_serve(repository / MODEL_NAME).version) / PLAN
    kept = None if config_name else engines / _kind_of_machine() / PLAN
    if kept is not None:
        _copy_plan(kept, plan)
        engine(repository=repository, cache_dir=engines / "timings")
    prove(repository, config_name)
    if kept is not None:
        _copy_plan(plan, kept)


def prove(repository: Path, config_name: str = "") -> None:
    """Hold the answers of this machine's tritonserver against the golden set that travels with the served version.

    Raises:
        EngineUnavailable: there is no tritonserver here, or it does not start with this repository.
        GateClosed: it answers differently.
    """
    card = card_to_serve(repository / MODEL_NAME)
    golden = GoldenSet.load(repository / MODEL_NAME / str(card.version) / PHANTOMS)
    with _server(repository, config_name) as url:
        client = ModelClient(url, MODEL_NAME)
        served = client.served()
        found = disagreements(golden, in_batches(triton_scorer(client), golden.images), card.operating_point)
        client.close()
    if served.card != card:
        found.append(f"the server serves version {served.card.version} and the repository version {card.version}")
    if found:
        raise GateClosed("; ".join(found[:5]))
    rich.print(f"{repository}: {served.engine} answers {len(golden.images)} golden films as the ONNX model does")


@contextmanager
def _server(repository: Path, config_name: str) -> Iterator[str]:
    """A tritonserver on a free loopback port; yields its address once its model is ready."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    words = ["tritonserver", f"--model-repository={repository}", "--model-control-mode=explicit"]
    words += [f"--load-model={MODEL_NAME}", *([f"--model-config-name={config_name}"] if config_name else [])]
    words += ["--grpc-address=127.0.0.1", f"--grpc-port={port}", "--allow-http=false", "--allow-metrics=false"]
    try:
        process = subprocess.Popen(words)
    except OSError as error:
        raise EngineUnavailable(f"no tritonserver here: {error.strerror}") from error
    client = ModelClient(f"127.0.0.1:{port}", MODEL_NAME)
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not client.ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise EngineUnavailable("tritonserver does not start with this repository; its log says why")
            time.sleep(0.2)
        yield client.address
    finally:
        client.close()
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _kind_of_machine() -> str:
    """A folder name for the GPU kind and TensorRT version: a plan fits one such pair."""
    gpu = visible_gpu()
    words = f"{gpu.name} {gpu.compute_capability} tensorrt {load_tensorrt().__version__}"
    return "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in words)


def _copy_plan(plan: Path, to: Path) -> None:
    """Copy a plan and its record, where there are any; half a copy has no record and counts as stale."""
    if not (plan.is_file() and sidecar(plan).is_file()):
        return
    to.parent.mkdir(parents=True, exist_ok=True)
    sidecar(to).unlink(missing_ok=True)
    for source, target in ((plan, to), (sidecar(plan), sidecar(to))):
        unfinished = target.with_name(f".{target.name}.copying")
        shutil.copyfile(source, unfinished)
        unfinished.replace(target)
