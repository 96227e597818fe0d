"""Publish a gated model: a version folder beside the old ones, both configs, a reload, the golden sets; or no change.

stage     .publishing-<version>/ is written whole, then renamed to <version>/
switch    the configs, which name the one served version, are replaced
reload    Triton loads the new version while the old one answers, then drops the old one
prove     the golden set is scored through Triton
undo      if any of it fails: configs and folders as they were, and Triton is told to load again
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import rich
import typer

from cxr.errors import CxrError, ModelUnavailable
from cxr.schemas import ModelCard
from cxr.triton import ModelClient
from trainer.contract import MODEL_NAME
from trainer.errors import MissingStep
from trainer.exported import exported_card
from trainer.golden import GOLDEN_FILES, GoldenSet, disagreements
from trainer.proof import GateProof, read_proof
from trainer.refusals import RolledBack, StepRefused
from trainer.repository import served_card, versions, write_configs
from trainer.runs import RUNS_DIR, RunName
from trainer.scorers import CPU_ENGINES, in_batches, triton_scorer
from trainer.version_folder import backend_program, repair, stage, undone_on_error

# Compiling the graph and two warm-up batches take about 2 s on two cores; a loaded machine is slower.
RELOAD_TIMEOUT_S = 60.0


def publish(
    run: RunName,
    repository: Annotated[Path, typer.Option(help="Triton's model repository.")] = Path("model_repository"),
    version: Annotated[int | None, typer.Option(help="Version number; default: one more than the newest.")] = None,
    replace: Annotated[bool, typer.Option(help="Replace an existing version; only with --no-reload.")] = False,
    reload: Annotated[bool, typer.Option(help="Ask Triton to load it and prove it there.")] = True,
    triton_url: Annotated[str, typer.Option(help="Triton's gRPC address.", envvar="CXR_TRITON_URL")] = "127.0.0.1:8051",
) -> None:
    """Write the run's model into the repository and, unless --no-reload, bring it into service."""
    folder = repository / MODEL_NAME
    number = version if version is not None else max(versions(folder), default=0) + 1
    client = ModelClient(triton_url, MODEL_NAME) if reload else None
    card = publish_run(RUNS_DIR / run, folder, number, replace=replace, client=client)
    rich.print(
        f"{folder / str(card.version)}: {card.name}, {'proved on Triton' if reload else 'not loaded into a server'}"
    )
    if "test" not in card.metrics:
        rich.print("[yellow]published without test figures: run evaluate --final, export, gate and publish again")


def publish_run(
    run: Path, folder: Path, version: int, *, replace: bool = False, client: ModelClient | None = None
) -> ModelCard:
    """Publish ``run`` as ``version`` in the model's ``folder``; without ``client``, no server is told.

    Raises:
        MissingStep: the run was not exported, or not admitted by the gate with this ONNX file.
        StepRefused: the version exists and must not be replaced, or there is no backend program to carry on.
        RolledBack: Triton did not load it or disagreed with the golden set; everything is as it was.
    """
    card = proved_card(run, version)
    proof = fastest_admitted(run, card)
    repair(folder)
    if (folder / str(version)).exists() and not replace:
        raise StepRefused(f"version {version} exists; publish another number or pass --replace")
    if replace and client is not None:
        raise StepRefused(
            "a served version is not replaced in place: its clients keep its card; publish the next number"
        )
    program = backend_program(folder).read_text(encoding="utf-8")
    there_was_one = served_card(folder) is not None

    def load_the_old_one(cause: BaseException) -> None:
        if client is not None and there_was_one:
            _load_again(client, cause)

    with undone_on_error(folder, version, load_the_old_one):
        stage(run, folder, card, proof, program)
        write_configs(folder, card, proof.engine)
        if client is not None:
            _bring_into_service(client, card, run)
    return card


def proved_card(run: Path, version: int) -> ModelCard:
    """The run's card, numbered; only if its model.onnx is the file that the card was made for."""
    card = exported_card(run)
    for name in GOLDEN_FILES:
        if not (run / name).is_file():
            raise MissingStep(f"{run / name} is missing: python -m trainer gate --run {run.name}")
    return card.model_copy(update={"version": version})


def fastest_admitted(run: Path, card: ModelCard) -> GateProof:
    """The proof on the fastest CPU engine that the gate admitted for exactly this ONNX file."""
    refused = []
    for engine in CPU_ENGINES:
        proof = read_proof(run, engine)
        if proof is None:
            continue
        if not proof.is_of(card):
            refused.append(f"{engine}: the proof is of another export")
        elif not proof.admitted:
            refused.append(f"{engine}: {'; '.join(proof.reasons)}")
        else:
            return proof
    raise MissingStep(f"no engine was admitted: python -m trainer gate --run {run.name}; {' | '.join(refused)}")


def _load_again(client: ModelClient, cause: BaseException) -> None:
    """Tell Triton that the former version is back; what it answers is noted, for the cause is what matters."""
    try:
        client.load()
    except CxrError as error:
        cause.add_note(f"Triton could not be told to load the former version again: {error}")


def _bring_into_service(client: ModelClient, card: ModelCard, run: Path) -> None:
    """Load, wait until this very model answers, and score both golden sets through the server."""
    try:
        client.load()
        _wait_until_served(client, card)
        found: list[str] = []
        for name in GOLDEN_FILES:
            golden = GoldenSet.load(run / name)
            found += disagreements(golden, in_batches(triton_scorer(client), golden.images), card.operating_point)
    except CxrError as error:
        raise RolledBack(str(error)) from error
    if found:
        raise RolledBack("; ".join(found[:5]))


def _wait_until_served(client: ModelClient, card: ModelCard) -> None:
    deadline = time.monotonic() + RELOAD_TIMEOUT_S
    while not (client.ready() and client.card() == card):
        if time.monotonic() > deadline:
            raise ModelUnavailable(f"version {card.version} did not answer within {RELOAD_TIMEOUT_S:.0f} s")
        time.sleep(0.1)
