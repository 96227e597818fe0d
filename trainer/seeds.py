"""What one candidate is worth and what averaging buys: each seed by itself, calibrated like the served model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from trainer.calibration import choose
from trainer.kermany_set import FilmSet
from trainer.metrics import Floats, figures_at
from trainer.model import Classifier, sha256_of_weights
from trainer.networks import load_networks, network_named, shifted_logits
from trainer.runs import Run
from trainer.scoring import logits_of
from trainer.shift import NAMES

Table = list[dict[str, float | str]]
AVERAGE = "mean of log-odds"


@dataclass(frozen=True)
class Candidates:
    """What could be served: networks by name, and by its own name each group of them that answers together."""

    networks: dict[str, Classifier]
    groups: dict[str, list[str]]

    @classmethod
    def named(cls, run: Run, text: str = "") -> Candidates:
        """Comma-separated; each is one network ``run/seedN``, or several with ``+`` between. Without any, each network
        of the run is one. Raises ``MissingStep``.
        """
        if not text:
            networks = load_networks(run)
            return cls(networks, {name: [name] for name in networks})
        groups = {group: group.split("+") for group in text.split(",")}
        return cls({name: network_named(name) for group in groups.values() for name in group}, groups)


def seed_figures(run: Run, films: FilmSet, validation: FilmSet, candidates: Candidates) -> Table:
    """One row of figures a candidate on one set, and one for the mean of all log-odds, each by its own calibration."""
    networks, groups = candidates.networks, candidates.groups
    each = {name: shifted_logits(run, name, network, validation) for name, network in networks.items()}
    on_films = {name: logits_of(network, films.pixels, as_served=True) for name, network in networks.items()}
    shifts = {
        text: {shift: _mean(each[name][shift] for name in group) for shift in NAMES} for text, group in groups.items()
    }
    logits = {text: _mean(on_films[name] for name in group) for text, group in groups.items()}
    if len(groups) > 1:
        shifts[AVERAGE] = {shift: _mean(of_one[shift] for of_one in shifts.values()) for shift in NAMES}
        logits[AVERAGE] = _mean(logits.values())
    rows: Table = []
    of_network = {name: sha256_of_weights(network) for name, network in networks.items()}
    for text, values in logits.items():
        chosen = choose(shifts[text], validation.labels)
        figures = figures_at(chosen.threshold, chosen.low, chosen.high)
        row = figures(films.labels, chosen.platt.probability(values))
        hashes = {"weights_sha256": "+".join(of_network[name] for name in groups[text])} if text in groups else {}
        rows.append({"name": text, **hashes, **row, "threshold": chosen.threshold})
    np.savez(run.path("scores/seed_logits.npz"), **logits)  # type: ignore[arg-type]
    return rows


def _mean(of_each: Iterable[Floats]) -> Floats:
    return np.mean(list(of_each), axis=0)
