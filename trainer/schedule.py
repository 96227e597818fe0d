"""How the learning rate and the averaged weights move while a network trains."""

from __future__ import annotations

import copy
import math

import torch
from torch import nn


def warm_up_cosine(step: int, steps: int, warm_up: int) -> float:
    """Share of the full learning rate at ``step``: a straight rise, then half a cosine down to zero (Loshchilov &
    Hutter 2017).
    """
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


class AveragedWeights:
    """An exponential moving average of weights and batch statistics (Polyak & Juditsky 1992); early steps count
    more.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards the network's present weights."""
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + 10))
        for mean, now in zip(self.network.state_dict().values(), network.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - decay)
            else:
                mean.copy_(now)
