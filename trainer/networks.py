"""Trained networks by name: a run's own, or ``run/seedN`` of any run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from trainer.data.digest import sha256_of_films
from trainer.errors import MissingStep
from trainer.kermany_set import FilmSet, shifted_validation
from trainer.metrics import Floats
from trainer.model import Classifier, sha256_of_weights
from trainer.refusals import StepRefused
from trainer.runs import Run, run_name, seed_numbers
from trainer.scoring import logits_of
from trainer.shift import NAMES
from trainer.train import films_of_network, load_network


def load_networks(run: Run, seeds: str = "") -> dict[str, Classifier]:
    """The run's networks by name, all or the named seeds.

    Raises:
        MissingStep: there are none.
    """
    names = (
        [f"seed{seed}" for seed in seed_numbers(seeds)]
        if seeds
        else sorted(p.stem for p in run.folder.glob("seed*.pt"))
    )
    if not names:
        raise MissingStep(f"{run.folder} holds no seed*.pt: run `python -m trainer train --run {run.name}` first")
    return {name: network_named(f"{run.name}/{name}") for name in names}


def shifted_logits(run: Run, name: str, network: Classifier, validation: FilmSet) -> dict[str, Floats]:
    """A network's uncalibrated log-odds [N] on every shifted validation; kept in ``shifted/<name>.npz`` with the hashes
    of these weights and films, and computed anew for others.
    """
    path = run.path(f"shifted/{name}.npz")
    made_from = {"weights_sha256": sha256_of_weights(network), "films_sha256": validation.sha256}
    if path.exists():
        with np.load(path) as kept:
            if set(NAMES) <= set(kept) and all(key in kept and kept[key] == value for key, value in made_from.items()):
                return {shift: kept[shift] for shift in NAMES}
    found = {shift: logits_of(network, shifted_validation(validation, shift)) for shift in NAMES}
    np.savez(path, **made_from, **found)  # type: ignore[arg-type]
    return found


def network_named(name: str) -> Classifier:
    """The network that ``run/seedN`` names."""
    return load_network(_file_of(name))


def refuse_other_films(names: Iterable[str], train: FilmSet) -> None:
    """See that each network ``run/seedN`` learned from these films; a file that does not say so (from before) may pass.

    Raises:
        StepRefused: one did not.
    """
    there = sha256_of_films(train.films)
    for name in names:
        learned = films_of_network(path := _file_of(name))
        if learned not in (None, there):
            raise StepRefused(
                f"{path} learned from training films {learned[:6]}..., these are {there[:6]}...: train again under "
                "another --run"
            )


def _file_of(name: str) -> Path:
    run, _, seed = name.partition("/")
    return Run(run).existing(f"{run_name(seed)}.pt", "train")
