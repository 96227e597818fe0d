"""Which stages and how many components the out-of-distribution score uses: chosen on some kinds of image, shown on
others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainer.architectures import REGISTRY
from trainer.metrics import auc
from trainer.model import Classifier
from trainer.ood import fit_ood, tap_features

COMPONENTS = (16, 32, 64)


def compare_forms(
    network: Classifier,
    fitted_on: NDArray[np.uint8],
    chest: NDArray[np.uint8],
    chosen_on: dict[str, NDArray[np.uint8]],
    held_out: dict[str, NDArray[np.uint8]],
) -> list[dict[str, Any]]:
    """Lowest AUROC of every form over the kinds of the choice and over the kinds held out; films [N,1,224,224]
    uint8.
    """
    stages = REGISTRY[network.spec["architecture"]].half_way
    sets = {"fit": fitted_on, "chest": chest, **chosen_on, **held_out}
    maps = {name: stage_features(network, films, stages) for name, films in sets.items()}
    rows = []
    for taps, components in forms(stages):
        seen = {name: torch.cat([features[tap] for tap in taps], 1) for name, features in maps.items()}
        if components >= min(seen["fit"].shape):
            continue  # nothing would be left outside the span
        score = fit_ood(seen["fit"], taps, components)
        inside = score(seen["chest"])[:, 0]
        areas = {name: area(inside, score(seen[name])[:, 0]) for name in (*chosen_on, *held_out)}
        form = f"stages {', '.join(map(str, taps))}; {components} components"
        worst = {"chosen_on": min(areas[name] for name in chosen_on), "held_out": min(areas[name] for name in held_out)}
        rows.append({"form": form, "taps": list(taps), "components": components, **worst})
    best = max(row["chosen_on"] for row in rows)
    return [{**row, "chosen": row["chosen_on"] == best} for row in rows]


def forms(stages: tuple[int, ...]) -> list[tuple[tuple[int, ...], int]]:
    """Each stage alone and three in a row, with each number of components."""
    taps = [(stage,) for stage in stages] + [stages[first : first + 3] for first in range(len(stages) - 2)]
    return [(each, components) for each in taps for components in COMPONENTS]


def area(inside: Tensor, outside: Tensor) -> float:
    """AUROC of images outside against chest films."""
    labels = np.concatenate([np.zeros(len(inside), np.int64), np.ones(len(outside), np.int64)])
    return auc(labels, torch.cat([inside, outside]).double().numpy())


@torch.inference_mode()
def stage_features(network: Classifier, films: NDArray[np.uint8], stages: tuple[int, ...]) -> dict[int, Tensor]:
    """The features of each stage by itself."""
    network.eval()
    parts: dict[int, list[Tensor]] = {stage: [] for stage in stages}
    for start in range(0, len(films), 64):
        batch = torch.from_numpy(np.array(films[start : start + 64]))
        for stage, seen in zip(stages, network.trunk.with_taps(network.input(batch), stages)[1], strict=True):
            parts[stage].append(tap_features([seen]))
    return {stage: torch.cat(part).clone() for stage, part in parts.items()}
