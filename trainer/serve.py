"""Step ``serve``: go back, or on, to a version that lies in Triton's repository already; its run is not needed.

The configs are pointed at it, Triton loads it and answers the phantoms that travel with it; or all is as it was.
"""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Annotated

import rich
import typer

from cxr.schemas import ModelCard
from cxr.triton import ModelClient
from trainer.contract import MODEL_NAME
from trainer.golden import PHANTOMS, GoldenSet
from trainer.refusals import StepRefused
from trainer.reload import Reload, TritonUrl, bring_into_service, load_again, must_be_there
from trainer.repository import card_of, cpu_engine_of, served_card, versions, write_configs
from trainer.version_folder import repair, undone_on_error


def serve(
    version: Annotated[int, typer.Option(help="Its folder in the repository.")],
    triton_url: TritonUrl,
    repository: Annotated[Path, typer.Option(help="Triton's model repository.")] = Path("model_repository"),
    reload: Reload = True,
) -> None:
    """Serve a version of the repository again and, unless --no-reload, prove it on the running Triton."""
    folder = repository / MODEL_NAME
    card = serve_version(folder, version, ModelClient(triton_url, MODEL_NAME) if reload else None)
    rich.print(
        f"{folder}: serves version {version} ({card.name}, {cpu_engine_of(folder, version)}), "
        f"{'proved on Triton' if reload else 'not loaded into a server'}"
    )


def serve_version(folder: Path, version: int, client: ModelClient | None = None) -> ModelCard:
    """Point the configs of the model's ``folder`` at one of its versions; without ``client``, no server is told.

    Raises:
        StepRefused: there is no such version, or its graph is not the one of its card.
        TritonAway: no server answers; nothing was changed.
        RolledBack: Triton did not load it or disagreed with its phantoms; everything is as it was.
    """
    repair(folder)
    if version not in versions(folder):
        there = ", ".join(map(str, versions(folder))) or "none"
        raise StepRefused(f"{folder} has no version {version}; there: {there}")
    card = card_of(folder, version)
    graph = folder / str(version) / "model.onnx"
    if hashlib.sha256(graph.read_bytes()).hexdigest() != card.onnx_sha256:
        raise StepRefused(f"{graph} is not the file of its manifest")
    if client is not None:
        must_be_there(client)
    former = client if served_card(folder) is not None else None
    with undone_on_error(folder, version, partial(load_again, former)):
        write_configs(folder, card, cpu_engine_of(folder, version))
        if client is not None:
            bring_into_service(client, card, [GoldenSet.load(folder / str(version) / PHANTOMS)])
    return card
