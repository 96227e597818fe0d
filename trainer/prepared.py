"""A run's films: those that ``prepare`` recorded, so that no step goes on with others under the same name."""

from __future__ import annotations

import json

from trainer.data.digest import sha256_of_films
from trainer.kermany_set import FilmSet, train_and_validation
from trainer.refusals import StepRefused
from trainer.runs import Run

RECORD = "data.json"


def film_hashes(train: FilmSet, validation: FilmSet) -> dict[str, str]:
    """What ``prepare`` records of the films themselves."""
    return {
        "training_data_sha256": sha256_of_films(train.films),
        "validation_data_sha256": sha256_of_films(validation.films),
    }


def prepared_films(run: Run) -> tuple[FilmSet, FilmSet]:
    """Train and validation films; a hash that the run's ``data.json`` does not hold (from before) is not compared.

    Raises:
        StepRefused: they are not those that were recorded.
    """
    train, validation = train_and_validation()
    path = run.path(RECORD)
    recorded = json.loads(path.read_text()) if path.is_file() else {}
    if any(recorded.get(name, found) != found for name, found in film_hashes(train, validation).items()):
        raise StepRefused(f"the films are not those that {path} records: run prepare again under another --run")
    return train, validation
