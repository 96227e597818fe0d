"""PneumoniaMNIST of MedMNIST v2: the Kermany films at 28 px in one ``.npz`` (CC BY 4.0, Yang et al. 2023)."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cxr.imaging import IMAGE_SIZE_PX
from trainer.data.film import existing
from trainer.errors import MissingColumn, MissingFile, UnreadableFilm

FILE = "pneumoniamnist.npz"
SPLITS = ("train", "val", "test")


def read(path: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """``small`` as films [N,1,224,224] uint8, enlarged by repeating pixels (224 = 8 x 28)."""
    films, labels = small(path, split)
    times = IMAGE_SIZE_PX // films.shape[1]
    return films.repeat(times, 1).repeat(times, 2)[:, np.newaxis], labels


def small(path: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Films [N,28,28] uint8 as they lie in the file, and labels [N].

    Raises:
        MissingFile, UnreadableFilm (not an npz), MissingColumn (no such split in it).
    """
    existing(path, "the MedMNIST file", MissingFile)
    try:
        with np.load(path) as arrays:
            names = f"{split}_images", f"{split}_labels"
            missing = [name for name in names if name not in arrays]
            if missing:
                raise MissingColumn(f"{path.name} has no {', '.join(missing)}; it has {', '.join(arrays.files)}")
            films, labels = (arrays[name] for name in names)
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise UnreadableFilm(f"{path}: {type(error).__name__}") from error
    return films, labels.ravel().astype(np.int64)
