"""Step ``audit``: does the model see pneumonia or the recording? Three answers, as tables and a picture."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logit

from trainer.kermany_set import FilmSet, shifted_validation
from trainer.lungs import average_lungs
from trainer.metrics import auc
from trainer.model import ServedModel
from trainer.prepared import prepared_films
from trainer.runs import Run, RunName
from trainer.scoring import served_scores
from trainer.served import served_of
from trainer.shift import NAMES
from trainer.shortcuts import contrary, shortcut_aucs
from trainer.terminal import show

PICTURED = 5
SHOWN = {
    "shortcuts": "AUC of trees on numbers of the recording alone",
    "moves": "how far the answer moves (log-odds) when the recording is changed",
}


def audit(run: RunName) -> None:
    """Write audit.json and heatmaps.png; uses training and validation films only."""
    folder = Run(run)
    served = served_of(folder)
    model = served.model
    train, validation = prepared_films(folder)
    random = np.random.default_rng(0)
    some = np.sort(random.choice(len(train.films), min(2500, len(train.films)), replace=False))
    sets = {
        name: (shifted_validation(validation, name), validation.labels) for name in ("as_is", "everything", "swapped")
    }
    contrary_films = contrary((train.pixels[some], train.labels[some]), np.array(validation.pixels), validation.labels)
    lungs = average_lungs(train.pixels[np.flatnonzero(train.labels == 0)[:400]])
    found = {
        "shortcuts": shortcut_aucs((train.pixels[some], train.labels[some]), sets),
        "width": width_alone(validation),
        "contrary": on_films(model, validation, contrary_films),
        "moves": moves(model, validation, served.point.threshold),
        "lungs": on_lungs(model, validation, lungs),
    }
    proof = folder.write_proof("audit.json", served.weights_sha256, found)
    for part, title in SHOWN.items():
        rows = found[part]
        columns = ["", *(name.replace("_", " ") for name in next(iter(rows.values())))]
        show(f"{run}: {title}", columns, [[name, *row.values()] for name, row in rows.items()])
    values = [
        *(
            (f"{name.replace('_', ' ')}, recorded like the other class", value)
            for name, value in found["contrary"].items()
        ),
        *((f"{name.replace('_', ' ')}, lungs", value) for name, value in found["lungs"].items()),
    ]
    show(f"{run}: anatomy against recording", ["", ""], values, proof)
    draw(model, validation, lungs, folder)


def width_alone(films: FilmSet) -> dict[str, float] | None:
    """How well the class is told by the width that a film had before it was made square; None where no film says it."""
    aspects = films.log_aspects
    if aspects is None or len(set(films.labels[known := ~np.isnan(aspects)])) < 2:
        return None
    return {"auc": auc(films.labels[known], aspects[known]), "known": float(known.mean())}


def moves(model: ServedModel, validation: FilmSet, threshold: float) -> dict[str, dict[str, float]]:
    """How far the answer moves when only the recording is changed: log-odds, decisions, AUC, by shift."""
    before = served_scores(model, shifted_validation(validation, "as_is"))[0]
    result = {}
    for name in NAMES:
        after = served_scores(model, shifted_validation(validation, name))[0]
        change = logit(after.clip(1e-6, 1 - 1e-6)) - logit(before.clip(1e-6, 1 - 1e-6))
        result[name] = {
            "auc": auc(validation.labels, after),
            "median_change": float(np.median(np.abs(change))),
            "normals_up": float(np.mean(change[validation.labels == 0])),
            "pneumonias_up": float(np.mean(change[validation.labels == 1])),
            "decisions_changed": float(((after >= threshold) != (before >= threshold)).mean()),
        }
    return result


def on_films(model: ServedModel, validation: FilmSet, chosen: NDArray[np.bool_]) -> dict[str, float]:
    """AUC on the chosen films alone, as they are."""
    answers = served_scores(model, np.array(validation.pixels[chosen]))[0]
    return {"films": int(chosen.sum()), "auc": auc(validation.labels[chosen], answers)}


def on_lungs(model: ServedModel, validation: FilmSet, lungs: NDArray[np.bool_]) -> dict[str, float]:
    """Share of the heatmap's evidence for pneumonia inside the average lungs, and AUC with lungs or all else
    covered.
    """
    films = np.array(validation.pixels)
    maps = heatmaps(model, films[validation.labels == 1])
    evidence = maps.clip(min=0)
    inside = evidence[:, lungs].sum(1) / evidence.sum((1, 2)).clip(min=1e-6)
    grey = films.mean((1, 2, 3), keepdims=True).astype(np.uint8)
    answers = {
        "covered lungs": np.where(lungs, grey, films),
        "covered all but lungs": np.where(lungs, films, grey),
    }
    aucs = {
        f"auc_{name}": auc(validation.labels, served_scores(model, changed)[0]) for name, changed in answers.items()
    }
    return {"area": float(lungs.mean()), "evidence_inside": float(inside.mean()), **aucs}


def heatmaps(model: ServedModel, films: NDArray[np.uint8]) -> NDArray[np.float32]:
    """[N,1,224,224] uint8 -> heatmaps enlarged to [N,224,224], log-odds a cell."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(films), 64):
            small = model(torch.from_numpy(films[start : start + 64]))[1][:, None]
            large = torch.nn.functional.interpolate(small, films.shape[-2:], mode="bilinear", align_corners=False)
            parts.append(large[:, 0].numpy())
    return np.concatenate(parts)


def draw(model: ServedModel, validation: FilmSet, lungs: NDArray[Any], run: Run) -> None:
    """Five films of each class, evenly taken, with heatmap and the average lungs' outline."""
    figure, axes = plt.subplots(2, 2 * PICTURED, figsize=(2 * PICTURED * 1.5, 3.4))
    for label, line in enumerate(axes):
        rows = np.flatnonzero(validation.labels == label)
        films = np.array(validation.pixels[rows[np.linspace(0, len(rows) - 1, PICTURED).astype(int)]])
        probabilities = served_scores(model, films)[0]
        for index, (film, heat) in enumerate(zip(films, heatmaps(model, films), strict=True)):
            plain, overlaid = line[2 * index], line[2 * index + 1]
            plain.imshow(film[0], cmap="gray")
            plain.set_title("pneumonia" if label else "normal", fontsize=8)
            overlaid.imshow(film[0], cmap="gray")
            overlaid.imshow(heat, cmap="RdBu_r", vmin=-0.3, vmax=0.3, alpha=0.45)
            overlaid.contour(lungs, levels=[0.5], colors="yellow", linewidths=0.6)
            overlaid.set_title(f"p = {probabilities[index]:.2f}", fontsize=8)
            plain.axis("off")
            overlaid.axis("off")
    figure.tight_layout(pad=0.3)
    figure.savefig(run.path("heatmaps.png"), dpi=100)
    plt.close(figure)
