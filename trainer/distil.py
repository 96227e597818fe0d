"""Step ``distil``: one network taught by all networks of other runs; an ensemble's answers at one network's cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import torch
import typer

from trainer.calibrate import load_networks
from trainer.fit import Training
from trainer.kermany_set import train_and_validation
from trainer.recipe import Recipe
from trainer.runs import Run, RunName
from trainer.train import finish


def distil(
    run: RunName,
    teachers: Annotated[str, typer.Option(help="The runs whose networks teach, comma-separated.")],
    start: Annotated[
        str, typer.Option(help="The network of the first run whose weights the pupil starts from, such as seed0.")
    ] = "seed0",
    epochs: Annotated[int, typer.Option(help="Epochs at most.")] = 3,
    rate: Annotated[float, typer.Option(help="Learning rate of the head.")] = 2e-4,
    augmentations: Annotated[str, typer.Option(help="Names of trainer/augment.py, comma-separated.")] = "",
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 2,
) -> None:
    """Train the pupil on the teachers' mean log-odds of each changed film; kept as seed0 of its own run."""
    torch.set_num_threads(threads)
    films, validation = train_and_validation()
    first, *others = [load_networks(Run(name)) for name in teachers.split(",")]
    networks = [*first.values(), *(network for run_of in others for network in run_of.values())]
    spec = first[start].spec
    names = tuple(augmentations.split(",")) if augmentations else Recipe.augmentations
    recipe = replace(Recipe(), **spec, epochs=epochs, rate=rate, frozen_epochs=0, seed=0, augmentations=names)
    folder = Run(run)
    pupil = Training(
        recipe,
        films,
        folder.path("seed0.checkpoint"),
        teachers=[network.to(memory_format=torch.channels_last) for network in networks],
        start=first[start].state_dict(),
    )
    finish(folder, "seed0", pupil, validation)
