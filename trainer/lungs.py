"""Where the lungs lie on the average normal film of the set; a rough stand-in, since the set has no lung outlines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# Rows and columns, as shares of the film, outside which the average film shows neck, arms, belly or background.
TOP, BOTTOM, LEFT, RIGHT = 0.2, 0.75, 0.17, 0.83
GROWN_PX = 5


def average_lungs(normals: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Normal films [N,1,224,224] -> [224,224] true on the dark fields inside the chest (Otsu 1979), grown by 5 px."""
    mean = normals[:, 0].mean(0)
    rows, columns = np.indices(mean.shape) / mean.shape[0]
    chest = (rows > TOP) & (rows < BOTTOM) & (columns > LEFT) & (columns < RIGHT)
    dark = chest & (mean < _otsu(mean[chest]))
    blobs, count = ndimage.label(ndimage.binary_opening(dark, iterations=2))
    sizes = ndimage.sum_labels(np.ones_like(mean), blobs, np.arange(1, count + 1))
    largest = np.argsort(sizes)[-2:] + 1
    lungs: NDArray[np.bool_] = ndimage.binary_dilation(np.isin(blobs, largest), iterations=GROWN_PX)
    return lungs


def _otsu(values: NDArray[np.float64]) -> float:
    """The cut that parts the values into two classes of greatest between-class variance."""
    ordered = np.sort(values)
    below = np.arange(1, len(ordered))
    sums = ordered.cumsum()[:-1]
    gap = sums / below - (ordered.sum() - sums) / (len(ordered) - below)
    best = int(np.argmax(below * (len(ordered) - below) * gap**2))
    return float((ordered[best] + ordered[best + 1]) / 2)
