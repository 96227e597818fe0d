"""A film and its heatmap, drawn.

A heatmap cell is its part of the film's calibrated log-odds. What is drawn is its density (cell times number of cells:
the log-odds the film would have if all of it looked like this cell), so that maps of any grid share one scale. Parts
that speak for pneumonia are warm; parts that speak against it are left clear.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SHOWN_PX = 1024
# Full warmth: a density of log-odds 4.6 (probability 0.99), or the film's own warmest part where that is warmer. So a
# film that is almost cold everywhere looks so.
FULL_DENSITY = math.log(0.99 / 0.01)
STRONGEST_ALPHA = 0.85
FAINTEST = 0.02  # under the page's heatmap (opacity 0.6) a film's levels then change by less than 3 of 255
# From dark red over orange to yellow: rising in lightness, so that it is read without telling hues apart.
WARM_STOPS = ((0.0, (140, 16, 20)), (0.45, (222, 66, 20)), (0.8, (250, 142, 28)), (1.0, (255, 208, 84)))


def film_png(film: Image.Image) -> bytes:
    """A grey film as PNG, its longer side at most 1024 px."""
    return _png(shown(film))


def heatmap_png(heatmap: Sequence[Sequence[float]], size: tuple[int, int]) -> bytes:
    """The warm parts of a heatmap as a transparent PNG of ``size`` (width, height)."""
    return _png(warm_layer(heatmap, size))


def overlay_png(film: Image.Image, heatmap: Sequence[Sequence[float]], opacity: float) -> bytes:
    """The film with its heatmap laid over it; ``opacity`` in [0, 1]."""
    return _png(overlaid(film, heatmap, opacity))


def overlaid(film: Image.Image, heatmap: Sequence[Sequence[float]], opacity: float) -> Image.Image:
    """The film at the size it is shown with its heatmap laid over it, RGB."""
    base = shown(film)
    layer = warm_layer(heatmap, base.size)
    layer.putalpha(layer.getchannel("A").point(lambda alpha: round(alpha * opacity)))
    return Image.alpha_composite(base.convert("RGBA"), layer).convert("RGB")


def shown(film: Image.Image) -> Image.Image:
    """The film at the size it is shown: never enlarged."""
    smaller = film.copy()
    smaller.thumbnail((SHOWN_PX, SHOWN_PX), Image.Resampling.LANCZOS)
    return smaller


def warm_layer(heatmap: Sequence[Sequence[float]], size: tuple[int, int]) -> Image.Image:
    """[h][w] contributions in, RGBA of ``size`` (width, height) out, smoothly upsampled; clear where not positive."""
    cells = np.asarray(heatmap, np.float32)
    density = np.asarray(Image.fromarray(cells * cells.size).resize(size, Image.Resampling.BICUBIC), np.float32)
    strength = np.clip(density / max(FULL_DENSITY, float(cells.max()) * cells.size), 0.0, 1.0)
    return Image.fromarray(_warm(strength))


def faint(heatmap: Sequence[Sequence[float]]) -> bool:
    """Whether its warmest part is too faint to be seen over a film."""
    cells = np.asarray(heatmap, np.float32)
    return float(cells.max()) * cells.size < FAINTEST * FULL_DENSITY


def _warm(strength: NDArray[np.float32]) -> NDArray[np.uint8]:
    """[H, W] in [0, 1] to [H, W, 4] uint8."""
    places = [place for place, _ in WARM_STOPS]
    channels = [np.interp(strength, places, [colour[i] for _, colour in WARM_STOPS]) for i in range(3)]
    alpha = 255 * STRONGEST_ALPHA * strength
    return np.rint(np.stack([*channels, alpha], axis=-1)).astype(np.uint8)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
