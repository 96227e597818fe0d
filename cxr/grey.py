"""Grey levels deeper than 8 bits, brought to uint8."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Our choice, not a clinical constant: clipping half a percent at either end keeps one burnt-in white letter or one
# black collimator edge from compressing the lungs into a few grey levels.
CLIPPED_PERCENT = 0.5


def to_uint8(levels: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Map ``low..high`` linearly to 0..255 and clip; any shape in, the same shape out. A flat range gives zeros."""
    if not high > low:
        return np.zeros(levels.shape, np.uint8)
    scaled = (levels.astype(np.float32) - np.float32(low)) * np.float32(255.0 / (high - low))
    grey: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return grey


def stretch_to_uint8(levels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Map the central 99 % of the grey levels to 0..255; for images that bring no display window of their own."""
    low, high = np.percentile(levels.astype(np.float32), [CLIPPED_PERCENT, 100 - CLIPPED_PERCENT])
    return to_uint8(levels, float(low), float(high))
