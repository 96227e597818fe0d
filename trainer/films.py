"""Real films with their labels, for comparing engines: the official Kermany test folder, read as serving reads it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cxr.imaging import preprocess
from trainer.contract import Films

LABELS = {"NORMAL": 0, "PNEUMONIA": 1}


@dataclass(frozen=True)
class LabelledFilms:
    """``images`` [N,1,S,S] uint8 and ``labels`` [N] int, 1 for pneumonia."""

    images: Films
    labels: NDArray[np.int64]


def data_folder() -> Path:
    """Where the shared images lie: ``CXR_DATA``, or ``../shared/data`` beside the repository."""
    return Path(os.environ.get("CXR_DATA") or Path(__file__).resolve().parents[1].parent / "shared" / "data")


def real_films(count: int | None = None) -> LabelledFilms | None:
    """The test films, or ``count`` of them evenly spaced over both classes; None where the images are absent.

    Comparing two engines on the test films chooses nothing about the model, so it does not open the test set.
    """
    folder = data_folder() / "kermany_224" / "test"
    files = [(path, label) for name, label in LABELS.items() for path in sorted((folder / name).glob("*.jpeg"))]
    if not files:
        return None
    if count is not None and count < len(files):
        files = [files[i] for i in np.linspace(0, len(files) - 1, count).round().astype(int)]
    images = np.stack([preprocess(path.read_bytes()) for path, _ in files])
    return LabelledFilms(images, np.array([label for _, label in files]))
