"""Step ``distil``: networks taught by all networks of other runs; an ensemble's answers at one network's cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import torch
import typer

from trainer.augment import named
from trainer.devices import device
from trainer.fit import Training
from trainer.model import Classifier
from trainer.networks import load_networks
from trainer.prepared import prepared_films
from trainer.recipe import NOTHING_FROZEN, Recipe
from trainer.runs import Run, RunName, seed_numbers
from trainer.train import Augmentations, Whole, finish


def distil(
    run: RunName,
    teachers: Annotated[str, typer.Option(help="The runs whose networks teach, comma-separated.")],
    start: Annotated[
        str, typer.Option(help="The network of the first run, such as seed0, to start from; else as in training.")
    ] = "",
    architecture: Annotated[
        str, typer.Option(help="A name of trainer/architectures.py, without --start.")
    ] = Recipe.architecture,
    size_px: Annotated[int, typer.Option(help="Side of the film inside the pupil, without --start.")] = Recipe.size_px,
    seeds: Annotated[str, typer.Option(help="Seeds, comma-separated: one pupil each.")] = "0",
    epochs: Annotated[int, typer.Option(help="Epochs at most.")] = 3,
    rate: Annotated[float, typer.Option(help="Learning rate of the head.")] = 2e-4,
    batch: Annotated[int, typer.Option(help="Films in a step.")] = Recipe.batch,
    patience: Annotated[int, typer.Option(help="Epochs without a better one before training stops.")] = Recipe.patience,
    whole: Whole = False,
    augmentations: Augmentations = "",
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 2,
) -> None:
    """Train pupils on the teachers' mean log-odds of each changed film; kept as the seeds of a run of their own."""
    torch.set_num_threads(threads)
    numbers, folder = seed_numbers(seeds), Run(run)
    films, validation = prepared_films(folder)
    runs = [load_networks(Run(name)) for name in teachers.split(",")]
    teaching = [
        network.to(device(), memory_format=torch.channels_last) for of_run in runs for network in of_run.values()
    ]
    first: Classifier | None = runs[0][start] if start else None
    spec = first.spec if first else {"architecture": architecture, "size_px": size_px}
    recipe = Recipe(
        **spec,
        epochs=epochs,
        rate=rate,
        batch=batch,
        patience=patience,
        frozen_epochs=0,
        augmentations=named(augmentations),
        **(NOTHING_FROZEN if whole else {}),
    )
    for seed in numbers:
        pupil = Training(
            replace(recipe, seed=seed),
            films,
            folder.path(f"seed{seed}.checkpoint"),
            teachers=teaching,
            start=first.state_dict() if first else None,
        )
        finish(folder, f"seed{seed}", pupil, validation)
