"""What one network is worth and what averaging buys: each seed by itself, calibrated like the served model."""

from __future__ import annotations

import numpy as np

from trainer.calibrate import load_networks, shifted_logits
from trainer.calibration import choose
from trainer.kermany_set import FilmSet
from trainer.metrics import figures_at
from trainer.runs import Run
from trainer.scoring import logits_of
from trainer.shift import NAMES

Table = list[dict[str, float | str]]
AVERAGE = "mean of log-odds"


def seed_figures(run: Run, films: FilmSet, validation: FilmSet) -> Table:
    """One row of figures a network on one set, and one for the mean of all log-odds, each by its own calibration."""
    shifts, logits = {}, {}
    for name, network in load_networks(run).items():
        shifts[name] = shifted_logits(run, name, network, validation)
        logits[name] = logits_of(network, films.pixels)
    if len(logits) > 1:
        shifts[AVERAGE] = {shift: np.mean([each[shift] for each in shifts.values()], axis=0) for shift in NAMES}
        logits[AVERAGE] = np.mean(list(logits.values()), axis=0)
    rows = []
    for name, values in logits.items():
        chosen = choose(shifts[name], validation.labels)
        figures = figures_at(chosen.threshold, chosen.low, chosen.high)
        row = figures(films.labels, chosen.platt.probability(values))
        rows.append({"name": name, **row, "threshold": chosen.threshold})
    np.savez(run.path("scores/seed_logits.npz"), **logits)  # type: ignore[arg-type]
    return rows
