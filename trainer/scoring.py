"""Scoring many films with a network, in batches."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.devices import mixed_precision
from trainer.model import Classifier, ServedModel

BATCH = 64


def logits_of(network: Classifier, films: NDArray[np.uint8], *, as_served: bool = False) -> NDArray[np.float64]:
    """[N,1,224,224] uint8 -> [N] uncalibrated log-odds; in mixed precision as in training, or in fp32 ``as_served``."""
    network.eval().to(memory_format=torch.channels_last)
    device = next(network.parameters()).device
    parts = []
    with torch.inference_mode(), nullcontext() if as_served else mixed_precision(device):
        for start in range(0, len(films), BATCH):
            batch = torch.from_numpy(np.array(films[start : start + BATCH])).to(device)
            parts.append(network.logits(batch).double().cpu().numpy())
    return np.concatenate(parts)


def served_scores(model: ServedModel, films: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[N,1,224,224] uint8 -> calibrated probability [N] and OOD score [N], in fp32 as exported."""
    model.eval().to(memory_format=torch.channels_last)
    probabilities, scores = [], []
    with torch.inference_mode():
        for start in range(0, len(films), BATCH):
            probability, _, ood = model(torch.from_numpy(np.array(films[start : start + BATCH])))
            probabilities.append(probability[:, 0].double().numpy())
            scores.append(ood[:, 0].double().numpy())
    return np.concatenate(probabilities), np.concatenate(scores)
