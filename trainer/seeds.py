"""What one network is worth and what averaging buys: each seed by itself, calibrated like the served model."""

from __future__ import annotations

import numpy as np

from trainer.calibration import Calibration, choose
from trainer.kermany_set import FilmSet
from trainer.metrics import Floats, figures_at
from trainer.model import Classifier
from trainer.runs import Run
from trainer.scoring import logits_of
from trainer.shift import NAMES

Table = list[dict[str, float]]


def calibrations(run: Run) -> list[Calibration]:
    """Each network's own calibration, from the shifted log-odds that ``calibrate`` kept."""
    with np.load(run.existing("shifted_logits.npz", "calibrate")) as kept:
        labels = kept["labels"]
        members = len(kept[NAMES[0]])
        return [choose({name: kept[name][member] for name in NAMES}, labels) for member in range(members)]


def seed_figures(run: Run, networks: list[Classifier], films: FilmSet) -> Table:
    """One row of figures a network on one set; keeps the log-odds in ``scores/seed_logits.npy``."""
    rows, kept = [], []
    for network, chosen in zip(networks, calibrations(run), strict=True):
        logits: Floats = logits_of(network, films.pixels, amp=False)
        kept.append(logits)
        figures = figures_at(chosen.threshold, chosen.low, chosen.high)
        rows.append({**figures(films.labels, chosen.platt.probability(logits)), "threshold": chosen.threshold})
    np.save(run.path("scores/seed_logits.npy"), np.stack(kept))
    return rows
