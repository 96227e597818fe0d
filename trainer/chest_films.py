"""The chest films on which refusal is fitted and its limit chosen: the training set's and adults' (NIH), by patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.architectures import REGISTRY
from trainer.augment import augmentation
from trainer.data import nih
from trainer.data.film import optional_folder
from trainer.errors import TooFewFilms
from trainer.kermany_set import FilmSet
from trainer.model import Classifier
from trainer.ood import COMPONENTS, OodScore, fit_ood, tap_features

LEAST_ADULTS = 4  # half, a quarter and a quarter of them
WITHOUT_ADULTS = f"{nih.FOLDER} is not there: {nih.WITHOUT}"
CHILDREN = 1500
CHANGES = ("geometry", "exposure", "resample", "jpeg")
SEED = 99


@dataclass(frozen=True)
class Adults:
    """NIH films by patient: half to fit on, a quarter to choose the limit on, a quarter to report on."""

    fit: FilmSet
    limit: FilmSet
    report: FilmSet


def adults() -> Adults | None:
    """The NIH subset in three parts, no patient in two; None where it is not there.

    Raises:
        TooFewFilms: fewer patients than parts can be made of.
    """
    folder = optional_folder(nih.FOLDER)
    if folder is None:
        return None
    films = nih.read(folder)
    patients = np.random.default_rng(SEED).permutation(sorted({film.patient for film in films}))
    if len(patients) < LEAST_ADULTS:
        raise TooFewFilms(f"{folder} needs films of at least {LEAST_ADULTS} patients and has {len(patients)}")
    half, three_quarters = len(patients) // 2, 3 * len(patients) // 4
    groups = set(patients[:half]), set(patients[half:three_quarters]), set(patients[three_quarters:])
    return Adults(*(FilmSet.of([film for film in films if film.patient in group]) for group in groups))


def fit_refusal(network: Classifier, children: FilmSet, grown: FilmSet | None) -> OodScore:
    """Fit the score on 1500 training films and as many adults', half of them changed as another device might; without
    ``grown``, on the training films alone.

    Raises:
        TooFewFilms: not enough to tell what is usual among them.
    """
    random = np.random.default_rng(SEED)
    films = children.pixels[
        np.sort(random.choice(len(children.films), min(CHILDREN, len(children.films)), replace=False))
    ]
    if grown is not None:
        films = np.concatenate([films, grown.pixels[np.resize(np.arange(len(grown.films)), len(films))]])
    if len(films) <= COMPONENTS:
        raise TooFewFilms(f"refusal is fitted on more than {COMPONENTS} films; there are {len(films)}")
    change, source = augmentation(CHANGES), torch.Generator().manual_seed(SEED)
    features = []
    for start in range(0, len(films), 64):
        batch = torch.from_numpy(films[start : start + 64]).float()
        half = len(batch) // 2
        batch[:half] = change(batch[:half] / 255, source) * 255
        features.append(features_of(network, batch))
    return fit_ood(torch.cat(features), taps_of(network))


def taps_of(network: Classifier) -> tuple[int, ...]:
    """The stages that the score looks at in a network of this architecture."""
    return REGISTRY[network.spec["architecture"]].taps


@torch.inference_mode()
def features_of(network: Classifier, batch: torch.Tensor) -> torch.Tensor:
    """[N,1,224,224] in 0..255 -> the features of the score."""
    network.eval()
    return tap_features(network.trunk.with_taps(network.input(batch), taps_of(network))[1]).clone()


def scores_of(network: Classifier, score: OodScore, films: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Out-of-distribution scores [N] of uint8 films."""
    parts = [
        score(features_of(network, torch.from_numpy(np.array(films[start : start + 64]))))[:, 0].double().numpy()
        for start in range(0, len(films), 64)
    ]
    return np.concatenate(parts)
