"""The shifted validation: the same held-out films as another hospital might have recorded them.

The test set is recorded differently from the training set, so plain validation (AUC 0.999) cannot tell a network that
sees pneumonia from one that sees the recording. Every choice (epoch, recipe, calibration, operating point) is made on
these films.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor

from trainer import augment
from trainer.augment import Transform
from trainer.cache import made_once
from trainer.data.aspects import Aspects
from trainer.framing import reframed, to_other_class
from trainer.recording import take_recording

SEED = 624
BATCH = 64


def _as_is(films: Tensor, _source: torch.Generator) -> Tensor:
    return films


def _sharpness(films: Tensor, source: torch.Generator) -> Tensor:
    return augment.noise(augment.sharpness(augment.resample(films, source), source), source)


def _exposure(films: Tensor, source: torch.Generator) -> Tensor:
    return augment.exposure(augment.sometimes(augment.equalise, 0.5)(films, source), source)


def _geometry(films: Tensor, source: torch.Generator) -> Tensor:
    return augment.borders(augment.geometry(films, source), source)


def _everything(films: Tensor, source: torch.Generator) -> Tensor:
    return augment.jpeg(_sharpness(_exposure(_geometry(films, source), source), source), source)


SHIFTS: dict[str, Transform] = {
    "as_is": _as_is,
    "sharpness": _sharpness,
    "exposure": _exposure,
    "geometry": _geometry,
    "everything": _everything,
}
SWAPPED, REFRAMED = "swapped", "reframed"
NAMES = (*SHIFTS, SWAPPED, REFRAMED)
# What each epoch is judged on: the hardest shifts and the films as they are.
JUDGED = ("as_is", "everything", SWAPPED, REFRAMED)


def shifted(
    films: NDArray[np.uint8],
    labels: NDArray[np.int64],
    name: str,
    cache: Path | None = None,
    aspects: Aspects | None = None,
) -> NDArray[np.uint8]:
    """[N,1,224,224] uint8 films under the named shift, the same every time.

    ``swapped`` has the recording of the other class, ``reframed`` its width: the films are cut to it, as far as
    ``aspects`` [N] (log width over height before they were made square) are known.
    """

    def change() -> NDArray[np.uint8]:
        if name == SWAPPED:
            return _swapped(films, labels)
        if name == REFRAMED:
            return _reframed(films, labels, aspects)
        return _one_by_one(films, SHIFTS[name])

    if cache is None:
        return change()
    path = cache / f"{name}.npy"
    made_once(path, lambda unfinished: np.save(unfinished, change()))
    return np.load(path, mmap_mode="r")


def _one_by_one(films: NDArray[np.uint8], transform: Transform) -> NDArray[np.uint8]:
    """Each film by itself, so that whole-batch draws differ from film to film."""
    source = torch.Generator().manual_seed(SEED)
    return _in_batches(len(films), 1, lambda rows: transform(_floats(films[rows]), source))


def _swapped(films: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    choose = np.random.default_rng(SEED)
    donors = np.empty(len(films), np.int64)
    for label in (0, 1):
        donors[labels == label] = choose.choice(np.flatnonzero(labels != label), int((labels == label).sum()))
    return _in_batches(
        len(films), BATCH, lambda rows: take_recording(_floats(films[rows]), _floats(films[donors[rows]]))
    )


def _reframed(films: NDArray[np.uint8], labels: NDArray[np.int64], aspects: Aspects | None) -> NDArray[np.uint8]:
    known = np.full(len(films), np.nan, np.float32) if aspects is None else aspects
    narrower = torch.from_numpy(to_other_class(known, labels))
    cut = torch.ones(len(films))
    return _in_batches(len(films), BATCH, lambda rows: reframed(_floats(films[rows]), narrower[rows], cut[rows]))


def _in_batches(count: int, size: int, change: Callable[[NDArray[np.int64]], Tensor]) -> NDArray[np.uint8]:
    parts = []
    for start in track(range(0, count, size), "shifting validation films", transient=True, disable=count < BATCH):
        changed = change(np.arange(start, min(start + size, count)))
        parts.append((changed * 255).round().to(torch.uint8).numpy())
    return np.concatenate(parts)


def _floats(films: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(np.array(films)).float() / 255
