"""How often a probability was right, and how probabilities are spread: the two tables that travel in the card."""

from __future__ import annotations

import numpy as np

from cxr.schemas import ReliabilityBin
from trainer.metrics import Floats, Labels

# Ten equal bins: what reliability diagrams commonly show (Niculescu-Mizil & Caruana 2005) and what 624 films can fill.
BINS = 10


def bin_of(probabilities: Floats) -> Labels:
    """[N] in [0, 1] -> [N] bin numbers, 1.0 in the last bin."""
    return np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)


def reliability_bins(labels: Labels, probabilities: Floats) -> tuple[ReliabilityBin, ...]:
    """For each bin, how many films fell into it and which share of them had pneumonia."""
    bins = bin_of(probabilities)
    return tuple(
        ReliabilityBin(
            low=each / BINS,
            high=(each + 1) / BINS,
            count=int((bins == each).sum()),
            observed=float(labels[bins == each].mean()) if (bins == each).any() else None,
        )
        for each in range(BINS)
    )


def histogram(probabilities: Floats) -> tuple[int, ...]:
    """How many films fell into each bin."""
    return tuple(np.bincount(bin_of(probabilities), minlength=BINS).tolist())
