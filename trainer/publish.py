"""Publish a gated model: a version folder beside the old ones, both configs, a reload, the golden sets; or no change.

stage     .publishing-<version>/ is written whole, then renamed to <version>/
switch    the configs, which name the one served version, are replaced
reload    Triton loads the new version while the old one answers, then drops the old one
prove     the golden set is scored through Triton
undo      if any of it fails: configs and folders as they were, and Triton is told to load again
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import rich
import typer

from cxr.schemas import ModelCard
from cxr.triton import ModelClient
from trainer.contract import MODEL_NAME
from trainer.errors import MissingStep
from trainer.exported import exported_card
from trainer.golden import GOLDEN_FILES, GoldenSet
from trainer.proof import GateProof, read_proof
from trainer.refusals import StepRefused
from trainer.reload import Reload, TritonUrl, bring_into_service, load_again, must_be_there
from trainer.repository import cpu_engine_of, served_card, versions, write_configs
from trainer.runs import RUNS_DIR, RunName
from trainer.scorers import CPU_ENGINES
from trainer.version_folder import backend_program, repair, stage, undone_on_error


def publish(
    run: RunName,
    triton_url: TritonUrl,
    repository: Annotated[Path, typer.Option(help="Triton's model repository.")] = Path("model_repository"),
    version: Annotated[int | None, typer.Option(help="Version number; default: one more than the newest.")] = None,
    replace: Annotated[bool, typer.Option(help="Replace an existing version; only with --no-reload.")] = False,
    reload: Reload = True,
) -> None:
    """Write the run's model into the repository and, unless --no-reload, bring it into service."""
    folder = repository / MODEL_NAME
    number = version if version is not None else max(versions(folder), default=0) + 1
    client = ModelClient(triton_url, MODEL_NAME) if reload else None
    card = publish_run(RUNS_DIR / run, folder, number, replace=replace, client=client)
    rich.print(
        f"{folder / str(card.version)}: {card.name}, served on CPUs by {cpu_engine_of(folder, card.version)}; "
        f"{'proved on Triton' if reload else 'not loaded into a server'}"
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
        TritonAway: no server answers; nothing was changed.
        RolledBack: Triton did not load it or disagreed with the golden set; everything is as it was.
    """
    card = proved_card(run, version)
    proof = fastest_admitted(run, card)
    repair(folder)
    if (folder / str(version)).exists() and not replace:
        raise StepRefused(
            f"version {version} exists: publish another number, pass --replace, or serve it as it is with "
            f"`python -m trainer serve --version {version}`"
        )
    if replace and client is not None:
        raise StepRefused(
            "a served version is not replaced in place: its clients keep its card; publish the next number"
        )
    if client is not None:
        must_be_there(client)
    program = backend_program(folder).read_text(encoding="utf-8")
    former = client if served_card(folder) is not None else None
    with undone_on_error(folder, version, partial(load_again, former)):
        stage(run, folder, card, proof, program)
        write_configs(folder, card, proof.engine)
        if client is not None:
            bring_into_service(client, card, [GoldenSet.load(run / name) for name in GOLDEN_FILES])
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
