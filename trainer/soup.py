"""Several networks in one: the mean of their weights, as fast as a single network.

Fine-tuned from the same starting weights with the same recipe, networks lie in one valley, and the mean of their
weights answers about as the mean of their log-odds does (Wortsman et al. 2022, "Model soups"). Whether it does is
measured in ``calibrate``.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch

from trainer.model import Classifier


@torch.no_grad()
def average_weights(networks: Sequence[Classifier]) -> Classifier:
    """A new network whose weights and batch statistics are the mean over ``networks`` of one architecture."""
    mean = copy.deepcopy(networks[0])
    states = [network.state_dict() for network in networks]
    for name, value in mean.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.stack([state[name] for state in states]).mean(0))
    return mean.eval()
