"""Step ``ablate``: short trainings with one augmentation left out each, with the horizontal flip, and with framing."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import torch
import typer
from rich.console import Console

from trainer.augment import DEFAULT, FRAMED
from trainer.fit import Training
from trainer.kermany_set import FilmSet
from trainer.prepared import prepared_films
from trainer.recipe import Recipe
from trainer.runs import Run, RunName
from trainer.train import shifted_judge

SHORT = Recipe(
    architecture="efficientnet_lite0", size_px=96, epochs=2, frozen_epochs=1, films=768, frozen_filters=False
)
PROTOCOL = (
    "EfficientNet-Lite0 at 96 px, 2 epochs of 768 films, one seed a row (three for the full recipe, to show how far "
    "seeds "
    "alone move the figures); AUC on the validation films as they are and shifted. Score: mean of -log10(1 - AUC). "
    "Rows whose score lies "
    "within the seeds' spread of the full recipe show no effect."
)


def ablate(
    run: RunName,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 2,
) -> None:
    """Write ablation.json, a row at a time, so that a killed ablation goes on."""
    torch.set_num_threads(threads)
    folder = Run(run)
    train, validation = prepared_films(folder)
    variants = {"all (seed 0)": SHORT, "none": replace(SHORT, augmentations=())}
    variants["all, and flip"] = replace(SHORT, augmentations=(*DEFAULT, "flip"))
    variants["all, and framing"] = replace(SHORT, augmentations=FRAMED)
    variants |= {f"all (seed {seed})": replace(SHORT, seed=seed) for seed in (1, 2)}
    for name in DEFAULT:
        variants[f"without {name}"] = replace(SHORT, augmentations=tuple(other for other in DEFAULT if other != name))
    path = folder.path("ablation.json")
    rows = folder.read_json("ablation.json", "ablate")["rows"] if path.exists() else []
    for name, recipe in variants.items():
        if name not in {row["left"] for row in rows}:
            rows.append(short_training(name, recipe, train, validation, folder))
            folder.write_json("ablation.json", {"protocol": PROTOCOL, "rows": rows})
            Console().print(rows[-1])


def short_training(name: str, recipe: Recipe, train: FilmSet, validation: FilmSet, run: Run) -> dict[str, Any]:
    """Train one variant to its end; gives the figures of its last epoch."""
    run.path("ablation.checkpoint").unlink(missing_ok=True)
    training = Training(recipe, train, run.path("ablation.checkpoint"))
    training.run(shifted_judge(validation))
    training.checkpoint.unlink()
    last = training.history[-1]
    figures = {figure: value for figure, value in last.items() if figure not in ("epoch", "loss", "score")}
    return {"left": name, "auc": figures, "score": last["score"]}
