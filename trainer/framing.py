"""How wide a film was, taken away from its class: films cut or squeezed to what others of any class were.

In Kermany's set the width alone tells the classes apart (AUC 0.86, docs/experiments.md, 30). Where the edges of a film
are drawn is a habit of those who made it, and other hospitals have other habits.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from trainer.data.aspects import COPIES, Aspects
from trainer.refusals import StepRefused

SEED = 624


def reframed(films: Tensor, narrower: Tensor, cut: Tensor) -> Tensor:
    """Square films [N,1,S,S] as if the originals had been ``narrower`` [N] by that much of their log aspect.

    ``cut`` [N], 0 to 1: at 1 their edges were cut off; at 0 all is still there and squeezed, black beyond the edges.
    """
    window = torch.zeros(len(films), 2, 3, device=films.device)
    window[:, 0, 0] = torch.exp((-narrower - narrower.abs() * cut) / 2)
    window[:, 1, 1] = torch.exp((narrower - narrower.abs() * cut) / 2)
    grid = functional.affine_grid(window, list(films.shape), align_corners=False)
    return functional.grid_sample(films, grid, padding_mode="zeros", align_corners=False)


class Framing:
    """Training films in frames that say nothing of their class: each gets the width of a film drawn from either.

    Raises:
        StepRefused: no film's width is known.
    """

    def __init__(self, aspects: Aspects | None, labels: NDArray[np.int64]) -> None:
        if aspects is None or np.isnan(aspects).all():
            raise StepRefused(f"framing needs to know how wide films were: original files, or {COPIES} beside them")
        known = completed(aspects, labels)
        self._aspects = torch.from_numpy(known)
        self._of_class = [torch.from_numpy(known[labels == label]) for label in (0, 1)]

    def __call__(self, films: Tensor, rows: NDArray[np.int64], source: torch.Generator) -> Tensor:
        """The films of these ``rows``, changed."""
        count, device = len(films), films.device
        drawn = [
            each.to(device)[torch.randint(len(each), (count,), generator=source, device=device)]
            for each in self._of_class
        ]
        first = torch.rand(count, generator=source, device=device) < 0.5
        narrower = self._aspects.to(device)[torch.from_numpy(rows).to(device)] - torch.where(first, *drawn)
        return reframed(films, narrower, torch.rand(count, generator=source, device=device))


def to_other_class(aspects: Aspects, labels: NDArray[np.int64]) -> Aspects:
    """[N] by how much each film becomes narrower when it is cut to the width of one of the other class; the same every
    time.
    """
    known, choose = completed(aspects, labels), np.random.default_rng(SEED)
    wanted = np.empty_like(known)
    for label in (0, 1):
        wanted[labels == label] = choose.choice(known[labels != label], int((labels == label).sum()))
    return known - wanted


def completed(aspects: Aspects, labels: NDArray[np.int64]) -> Aspects:
    """Unknown widths [N] drawn from the known ones of their class, the same every time; from all where the class has
    none. Where none is known at all they are all alike, and framing changes nothing.
    """
    known, choose = ~np.isnan(aspects), np.random.default_rng(SEED)
    filled = np.where(known, aspects, np.float32(0))
    if known.any():
        for label in (0, 1):
            of_class = labels == label
            those = known & of_class if (known & of_class).any() else known
            filled[of_class & ~known] = choose.choice(aspects[those], int((of_class & ~known).sum()))
    return filled
