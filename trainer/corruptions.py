"""Step ``corrupt``: how the figures fall when the validation films are spoilt, one way at a time, in three
strengths.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from rich.progress import track
from torch import Tensor
from torch.nn import functional

from trainer.augment import compress_jpeg
from trainer.metrics import auc, decisions
from trainer.prepared import prepared_films
from trainer.runs import Run, RunName
from trainer.scoring import served_scores
from trainer.served import served_of
from trainer.terminal import show

Corruption = Callable[[Tensor, float], Tensor]


def brightness(films: Tensor, by: float) -> Tensor:
    return films + by


def contrast(films: Tensor, times: float) -> Tensor:
    mean = films.mean((1, 2, 3), keepdim=True)
    return (films - mean) * times + mean


def blur(films: Tensor, sigma_px: float) -> Tensor:
    """Gaussian of the given deviation, in pixels of the 224 px film."""
    reach = math.ceil(3 * sigma_px)
    kernel = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * sigma_px**2))
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    wide = functional.conv2d(functional.pad(films, (reach, reach, 0, 0), mode="reflect"), kernel)
    return functional.conv2d(functional.pad(wide, (0, 0, reach, reach), mode="reflect"), kernel.transpose(2, 3))


def noise(films: Tensor, deviation: float) -> Tensor:
    return films + deviation * torch.randn(films.shape, generator=torch.Generator().manual_seed(0))


def rotation(films: Tensor, degrees: float) -> Tensor:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0]]).expand(len(films), -1, -1)
    grid = functional.affine_grid(turn, list(films.shape), align_corners=False)
    return functional.grid_sample(films, grid, align_corners=False)


def jpeg(films: Tensor, quality: float) -> Tensor:
    return compress_jpeg(films, torch.full((len(films),), quality))


def resolution(films: Tensor, side_px: float) -> Tensor:
    small = functional.interpolate(films, (int(side_px), int(side_px)), mode="bilinear", antialias=True)
    return functional.interpolate(small, films.shape[-2:], mode="bilinear", align_corners=False)


CORRUPTIONS: dict[str, tuple[Corruption, tuple[float, ...]]] = {
    "brightness": (brightness, (-0.2, 0.1, 0.2)),
    "contrast": (contrast, (0.5, 0.75, 1.5)),
    "blur (sigma, px)": (blur, (1.0, 2.0, 3.0)),
    "noise (deviation)": (noise, (0.02, 0.05, 0.1)),
    "rotation (degrees)": (rotation, (-10.0, 10.0, 20.0)),
    "JPEG (quality)": (jpeg, (50.0, 25.0, 10.0)),
    "resolution (px)": (resolution, (112.0, 64.0, 32.0)),
}


def corrupt(run: RunName) -> None:
    """Write corruptions.json: AUC, sensitivity, specificity and refusals on the spoilt validation films."""
    folder = Run(run)
    served = served_of(folder)
    model, point = served.model, served.point
    validation = prepared_films(folder)[1]
    films = torch.from_numpy(np.array(validation.pixels)).float() / 255
    pairs = [("none", None, 0.0)] + [(name, change, s) for name, (change, all_s) in CORRUPTIONS.items() for s in all_s]
    rows = []
    for name, change, strength in track(pairs, "corrupting"):
        spoilt = change(films, strength).clamp(0, 1) if change else films
        probabilities, ood = served_scores(model, (spoilt * 255).round().to(torch.uint8).numpy())
        figures = decisions(validation.labels, probabilities >= point.threshold)
        kept = {figure: figures[figure] for figure in ("accuracy", "sensitivity", "specificity")}
        area, refused = auc(validation.labels, probabilities), float((ood > point.ood_limit).mean())
        rows.append({"corruption": name, "strength": strength, "auc": area, **kept, "refused": refused})
    show(
        f"{run}: spoilt validation films",
        list(rows[0]),
        [list(row.values()) for row in rows],
        folder.write_proof("corruptions.json", served.weights_sha256, rows),
    )
