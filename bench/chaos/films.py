"""Small synthetic films, each an image of its own, cheap to decode."""

from __future__ import annotations

import numpy as np

from tests.files import encoded

SIZE_PX = 224


def film(seed: int, number: int) -> bytes:
    """A PNG of a few kilobytes; the same for the same seed and number, another for any other."""
    rng = np.random.default_rng([seed, number])
    coarse = rng.integers(0, 256, (7, 7), dtype=np.uint8)
    return encoded(np.kron(coarse, np.ones((SIZE_PX // 7, SIZE_PX // 7), np.uint8)), "PNG", compress_level=1)
