"""Patient-grouped, class-stratified train and validation films."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from trainer.data.film import CLASSES, Film
from trainer.errors import TooFewFilms

FOLDS = 7
# One fixed seed: every network of every run holds out the same patients, so an ensemble's validation is honest.
SPLIT_SEED = 2018


def grouped_split(films: Sequence[Film], fold: int = 0) -> tuple[list[Film], list[Film]]:
    """Train and validation films (one fold of seven); no patient is in both.

    Raises:
        TooFewFilms: a class has fewer patients than folds.
    """
    labels = np.array([film.label for film in films])
    patients = np.array([film.patient for film in films])
    for name, label in CLASSES.items():
        if (there := len(set(patients[labels == label]))) < FOLDS:
            raise TooFewFilms(f"{name} needs films of at least {FOLDS} patients and has {there}")
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SPLIT_SEED).split(labels, labels, patients)
    train, validation = list(folds)[fold]
    return [films[i] for i in train], [films[i] for i in validation]
