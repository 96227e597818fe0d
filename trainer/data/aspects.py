"""How wide films were before they were made square: the logarithm of width over height.

It tells the classes of Kermany's set apart by itself (docs/experiments.md, 30), and the square film still shows it: the
lungs of a wide film are squeezed. Files that are square copies do not say it; MedMNIST's copies of the same films do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import ExifTags, Image

from cxr.imaging import IMAGE_SIZE_PX
from trainer.cache import made_once
from trainer.data import medmnist
from trainer.data.film import Film, optional_folder
from trainer.data.pixels import CACHE_DIR, key_of_files
from trainer.data.twins import log_aspects_by_twins

Aspects = NDArray[np.float32]
COPIES = f"medmnist/{medmnist.FILE}"
"""Below the folder of the data sets."""
LEARNING = ("train", "val")
LYING = 5
"""EXIF orientations from here on turn a picture by a quarter (EXIF 2.32, 4.6.4)."""


def log_aspects(films: Sequence[Film], pixels: NDArray[np.uint8], cache_dir: Path = CACHE_DIR) -> Aspects:
    """[N] log(width / height) of the films with these square ``pixels`` [N,1,224,224]; NaN where nothing says it."""
    copies = optional_folder(COPIES)
    path = cache_dir / f"{key_of_files(films)}-{'with' if copies else 'without'}-copies.npy"
    made_once(path, lambda unfinished: np.save(unfinished, _looked_for(films, pixels, copies)))
    found: Aspects = np.load(path)
    return found


def _looked_for(films: Sequence[Film], pixels: NDArray[np.uint8], copies: Path | None) -> Aspects:
    found = np.array([_of_file(film.path) for film in films], np.float32)
    unsaid = np.isnan(found)
    if unsaid.any() and copies:
        small = np.concatenate([medmnist.small(copies, split)[0] for split in LEARNING])
        found[unsaid] = log_aspects_by_twins(pixels[unsaid], small)
    return found


def _of_file(path: Path) -> float:
    """NaN for a file of exactly the square size: it was somebody's copy."""
    if path.suffix.lower() == ".dcm":
        header = pydicom.dcmread(path, force=True, stop_before_pixels=True, specific_tags=["Rows", "Columns"])
        width, height = header.Columns, header.Rows
    else:
        with Image.open(path) as image:
            lies = image.getexif().get(ExifTags.Base.Orientation, 1) >= LYING
            height, width = image.size if lies else image.size[::-1]
    return float("nan") if width == height == IMAGE_SIZE_PX else float(np.log(width / height))
