"""Step ``train``: one network a seed, each kept at its best epoch on the shifted validation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch.utils.tensorboard import SummaryWriter

from trainer import metrics
from trainer.augment import named
from trainer.data.digest import sha256_of_films
from trainer.fit import Judge, Training
from trainer.half_weights import round_to_half
from trainer.kermany_set import FilmSet, shifted_validation
from trainer.model import Classifier, sha256_of_weights
from trainer.prepared import prepared_films
from trainer.recipe import NOTHING_FROZEN, Recipe
from trainer.runs import Run, RunName, seed_numbers
from trainer.scoring import logits_of
from trainer.shift import JUDGED

CONSOLE = Console(log_path=False)
INTERRUPTED = 130  # what shells report of a program that Ctrl-C ended
Augmentations = Annotated[
    str,
    typer.Option(help="Names of trainer/augment.py, comma-separated; framed: those of the default, and framing."),
]
Whole = Annotated[bool, typer.Option("--whole", help="Let every layer learn, whatever it starts from.")]


def train(
    run: RunName,
    seeds: Annotated[str, typer.Option(help="Seeds, comma-separated: one network each.")] = "0",
    architecture: Annotated[str, typer.Option(help="A name of trainer/architectures.py.")] = Recipe.architecture,
    size_px: Annotated[int, typer.Option(help="Side of the film inside the network.")] = Recipe.size_px,
    epochs: Annotated[int, typer.Option(help="Epochs at most.")] = Recipe.epochs,
    rate: Annotated[float, typer.Option(help="Learning rate of the head.")] = Recipe.rate,
    batch: Annotated[int, typer.Option(help="Films in a step.")] = Recipe.batch,
    whole: Whole = False,
    augmentations: Augmentations = "",
    imbalance: Annotated[str, typer.Option(help="balanced, weighted or none.")] = Recipe.imbalance,
    patience: Annotated[int, typer.Option(help="Epochs without a better one before training stops.")] = Recipe.patience,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 2,
) -> None:
    """Train; a training that was stopped goes on where its last epoch ended."""
    torch.set_num_threads(threads)
    numbers = seed_numbers(seeds)
    recipe = Recipe(
        architecture=architecture,
        size_px=size_px,
        epochs=epochs,
        rate=rate,
        batch=batch,
        augmentations=named(augmentations),
        imbalance=imbalance,
        patience=patience,
        **(NOTHING_FROZEN if whole else {}),
    )
    folder = Run(run)
    films, validation = prepared_films(folder)
    for seed in numbers:
        train_one(folder, replace(recipe, seed=seed), films, validation)


def train_one(run: Run, recipe: Recipe, films: FilmSet, validation: FilmSet) -> Classifier:
    """Train one network of a run and keep it as ``seed<N>.pt`` with its recipe and history as ``seed<N>.json``."""
    name = f"seed{recipe.seed}"
    return finish(run, name, Training(recipe, films, run.path(f"{name}.checkpoint")), validation)


def finish(run: Run, name: str, training: Training, validation: FilmSet) -> Classifier:
    """Run a training to its end with progress bar and TensorBoard, and keep network, recipe and history."""
    recipe, films_sha256 = training.recipe, sha256_of_films(training.train.films)
    whose = f"{run.name}/{name}"
    if training.epoch:
        ended = "trained to its end before" if training.ended else "going on"
        CONSOLE.print(f"{whose}: {ended} after epoch {training.epoch} of {recipe.epochs}")
    writer = SummaryWriter(str(run.path(f"tensorboard/{name}")))
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("steps,"),
        TimeElapsedColumn(),
        TextColumn("gone,"),
        TimeRemainingColumn(),
        TextColumn("to go"),
    )

    def epoch() -> str:
        return f"epoch {training.epoch + 1} of {recipe.epochs}"

    def judge(network: Classifier) -> dict[str, float]:
        figures = shifted_judge(validation)(network)
        for figure, value in figures.items():
            writer.add_scalar(f"validation/{figure}", value, training.step)
        aucs = ", ".join(f"{shift.replace('_', ' ')} {figures[shift]:.4f}" for shift in JUDGED)
        CONSOLE.log(f"{whose}, {epoch()}: AUC {aucs}; score {figures['score']:.4f}")
        return figures

    try:
        with Progress(*columns, console=CONSOLE) as progress:
            bar = progress.add_task(whose, total=training.steps_per_epoch * recipe.epochs, completed=training.step)

            def on_step(loss: float) -> None:
                progress.update(bar, advance=1, description=f"{whose}, {epoch()}, loss {loss:.3f}")
                writer.add_scalar("loss", loss, training.step)

            network = training.run(judge, on_step)
    except KeyboardInterrupt:
        after = f"after epoch {training.epoch}; the same command goes on from there"
        CONSOLE.print(f"Stopped {after if training.epoch else 'in the first epoch; the same command begins it again'}")
        raise typer.Exit(INTERRUPTED) from None
    finally:
        writer.close()
    round_to_half(network)
    stated = {"recipe": recipe.as_json(), "training_data_sha256": films_sha256}
    path = run.path(f"{name}.pt")
    torch.save({"recipe": json.dumps(recipe.as_json()), "films": films_sha256, "state": network.state_dict()}, path)
    stated |= {"weights_sha256": sha256_of_weights(network), "history": training.history}
    run.write_json(f"{name}.json", stated)
    best = max(training.history, key=lambda entry: (entry["score"], entry["epoch"]))
    CONSOLE.print(
        f"best epoch {best['epoch'] + 1:.0f} of {training.epoch} (score {best['score']:.4f}): {path}; "
        f"next: python -m trainer calibrate --run {run.name}",
        soft_wrap=True,
    )
    return network


def shifted_judge(validation: FilmSet) -> Judge:
    """AUC on the judged shifts; ``score`` is the mean log of what is missing to 1, so that every shift
    counts.
    """

    def judge(network: Classifier) -> dict[str, float]:
        figures = {}
        for name in JUDGED:
            logits = logits_of(network, shifted_validation(validation, name))
            figures[name] = metrics.auc(validation.labels, logits)
        missing = np.maximum(1 - np.array(list(figures.values())), 1e-5)
        return {**figures, "score": float(-np.log10(missing).mean())}

    return judge


def load_network(path: Path) -> Classifier:
    """A network of ``train``, in evaluation mode."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    recipe = Recipe.from_json(json.loads(saved["recipe"]))
    network = Classifier(recipe.architecture, recipe.size_px)
    network.load_state_dict(saved["state"])
    return network.eval()


def films_of_network(path: Path) -> str | None:
    """The hash of the films that a network of ``train`` learned from; None where its file does not say."""
    films: str | None = torch.load(path, map_location="cpu", weights_only=True).get("films")
    return films
