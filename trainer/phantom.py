"""Synthetic chest films: drawn, not photographed, so they may lie in git and be sent to anybody.

They look enough like films (bright body, dark lungs, ribs, heart, an opacity or none) to drive every layer of the
network, and nothing can be concluded from them about how well it detects pneumonia.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trainer.contract import Films


def phantoms(count: int, size_px: int, seed: int = 0) -> Films:
    """Draw ``count`` films, [count,1,size_px,size_px] uint8; the same seed draws the same films.

    Every second one has opacities in the lungs, from faint to dense.
    """
    random = np.random.default_rng(seed)
    return np.stack([_film(size_px, random, opacity=0.9 * (i % 2) * (i + 1) / count) for i in range(count)])[:, None]


def _film(size: int, random: np.random.Generator, opacity: float) -> NDArray[np.uint8]:
    y, x = np.mgrid[0:size, 0:size].astype(np.float64) / (size - 1)

    def ellipse(centre_x: float, centre_y: float, width: float, height: float) -> NDArray[np.float64]:
        distance = ((x - centre_x) / width) ** 2 + ((y - centre_y) / height) ** 2
        inside: NDArray[np.float64] = 1 / (1 + np.exp(np.clip(8 * (distance - 1), -50, 50)))  # soft edge
        return inside

    shift = random.uniform(-0.03, 0.03)
    film = 0.08 + 0.62 * ellipse(0.5 + shift, 0.55, 0.46, 0.55)
    lungs = ellipse(0.3 + shift, 0.5, 0.15, 0.3) + ellipse(0.7 + shift, 0.5, 0.15, 0.3)
    film -= random.uniform(0.4, 0.5) * lungs
    ribs = np.clip(np.sin(2 * np.pi * (y * random.uniform(8, 10) + 0.8 * (x - 0.5 - shift) ** 2)), 0, 1)
    film += 0.1 * ribs * lungs
    film += 0.25 * ellipse(0.5 + shift, 0.45, 0.05, 0.5) + 0.22 * ellipse(0.56 + shift, 0.65, 0.14, 0.14)
    for _ in range(3):
        side = random.choice([0.3, 0.7])
        film += opacity * 0.4 * lungs * ellipse(side + shift, random.uniform(0.4, 0.7), 0.1, 0.09)
    film = film * random.uniform(0.85, 1.1) + random.uniform(-0.03, 0.05)
    return np.rint(255 * np.clip(film, 0, 1)).astype(np.uint8)
