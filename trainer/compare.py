"""Step ``compare``: every registered architecture trained on equal terms; accuracy against throughput, drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import matplotlib.pyplot as plt
import torch
import typer
from matplotlib.ticker import FixedLocator, NullFormatter, ScalarFormatter
from rich.console import Console

from trainer.architectures import REGISTRY
from trainer.fit import Training
from trainer.kermany_set import FilmSet
from trainer.model import Classifier
from trainer.prepared import prepared_films
from trainer.recipe import Recipe
from trainer.runs import Run, RunName
from trainer.speed import images_per_s
from trainer.train import shifted_judge

EQUAL = Recipe(size_px=96, epochs=2, frozen_epochs=1, films=768)
PROTOCOL = (
    "Every network at 96 px, 2 epochs of 768 films, one seed, the same augmentations, rate and judge; those with "
    "starting weights use them, since that is their point. AUC on the validation films as they are and shifted. So "
    "short a training says which network learns fast here, not which is best in the end. Throughput: OpenVINO bf16, "
    "batch 16, all networks in one process, the best of five rounds taken in turns."
)


def compare(
    run: RunName,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 2,
) -> None:
    """Write comparison.json a row at a time, so that a killed comparison goes on; measure throughput when all are
    there.
    """
    torch.set_num_threads(threads)
    folder = Run(run)
    train, validation = prepared_films(folder)
    path = folder.path("comparison.json")
    rows = folder.read_json("comparison.json", "compare")["rows"] if path.exists() else []
    for name in REGISTRY:
        if name not in {row["architecture"] for row in rows}:
            rows.append(one(replace(EQUAL, architecture=name), train, validation, folder))
            folder.write_json("comparison.json", {"protocol": PROTOCOL, "rows": rows})
            Console().print(rows[-1])
    rates = images_per_s({name: Classifier(name, EQUAL.size_px) for name in REGISTRY}, threads, "bf16", seconds=1.0)
    rows = [{**row, "images_per_s": rates[row["architecture"]]} for row in rows]
    folder.write_json("comparison.json", {"protocol": PROTOCOL, "rows": rows})
    draw(rows, folder)


def one(recipe: Recipe, train: FilmSet, validation: FilmSet, run: Run) -> dict[str, Any]:
    """Train one architecture; its figures after the last epoch."""
    run.path("comparison.checkpoint").unlink(missing_ok=True)
    training = Training(recipe, train, run.path("comparison.checkpoint"))
    network = training.run(shifted_judge(validation))
    training.checkpoint.unlink()
    return {
        "architecture": recipe.architecture,
        "pretrained": REGISTRY[recipe.architecture].pretrained,
        "parameters_m": sum(parameter.numel() for parameter in network.parameters()) / 1e6,
        **{name: value for name, value in training.history[-1].items() if name not in ("epoch", "loss")},
    }


def draw(rows: list[dict[str, Any]], run: Run) -> None:
    """AUC on the hardest shift against images per second."""
    figure, axis = plt.subplots(figsize=(7.5, 4))
    for row in rows:
        marker = "o" if row["pretrained"] else "s"
        axis.plot(row["images_per_s"], row["everything"], marker, markersize=8, label=row["architecture"])
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8)
    axis.set(
        xscale="log",
        xlabel="images/s, OpenVINO bf16",
        ylabel="AUC, everything shifted",
        title="circle: starts from ImageNet weights",
    )
    axis.xaxis.set_major_locator(FixedLocator([200, 300, 500, 1000, 2000]))
    axis.xaxis.set_major_formatter(ScalarFormatter())
    axis.xaxis.set_minor_formatter(NullFormatter())
    figure.tight_layout()
    figure.savefig(run.path("comparison.png"), dpi=100)
    plt.close(figure)
