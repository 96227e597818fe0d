"""The chest films on which refusal is fitted and its limit chosen: children (Kermany) and adults (NIH), by patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from trainer.architectures import REGISTRY
from trainer.augment import augmentation
from trainer.data import nih
from trainer.data.film import data_folder
from trainer.kermany_set import FilmSet
from trainer.model import Classifier
from trainer.ood import OodScore, fit_ood, tap_features

CHILDREN = 1500
CHANGES = ("geometry", "exposure", "resample", "jpeg")
SEED = 99


@dataclass(frozen=True)
class Adults:
    """NIH films by patient: half to fit on, a quarter to choose the limit on, a quarter to report on."""

    fit: FilmSet
    limit: FilmSet
    report: FilmSet


def adults() -> Adults:
    """The NIH subset in three parts; no patient is in two."""
    films = nih.read(data_folder("nih_chestxray14"))
    patients = np.random.default_rng(SEED).permutation(sorted({film.patient for film in films}))
    half, three_quarters = len(patients) // 2, 3 * len(patients) // 4
    groups = set(patients[:half]), set(patients[half:three_quarters]), set(patients[three_quarters:])
    return Adults(*(FilmSet.of([film for film in films if film.patient in group]) for group in groups))


def fit_refusal(network: Classifier, children: FilmSet, grown: FilmSet) -> OodScore:
    """Fit the score on 1500 children's films and as many adult ones, half of them changed as another device might."""
    random = np.random.default_rng(SEED)
    young = children.pixels[
        np.sort(random.choice(len(children.films), min(CHILDREN, len(children.films)), replace=False))
    ]
    old = grown.pixels[np.resize(np.arange(len(grown.films)), len(young))]
    films = np.concatenate([young, old])
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
