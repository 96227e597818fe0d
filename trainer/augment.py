"""Random changes of a batch of films, each a plain function of one batch, so that an ablation can leave one out.

All work on float [N,1,S,S] in [0, 1] and draw one strength per film, from a generator on the films' device. Their aim
is less to make more films than to make the way a film was recorded (sharpness, exposure, geometry, borders,
compression) useless for telling its class.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from trainer.errors import UnknownName
from trainer.recording import histogram, take_recording

Transform = Callable[[Tensor, torch.Generator], Tensor]

# ITU-T T.81, table K.1: the luminance quantisation that JPEG encoders scale by quality.
JPEG_LUMINANCE = torch.tensor(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=torch.float32,
)


def uniform(count: int, low: float, high: float, source: torch.Generator) -> Tensor:
    """[count,1,1,1] drawn evenly between ``low`` and ``high``."""
    return torch.empty(count, 1, 1, 1, device=source.device).uniform_(low, high, generator=source)


def sometimes(transform: Transform, share: float) -> Transform:
    """The transform, applied to a random ``share`` of the films."""

    def apply(films: Tensor, source: torch.Generator) -> Tensor:
        chosen = torch.rand(len(films), generator=source, device=source.device) < share
        if not chosen.any():
            return films
        films = films.clone()
        films[chosen] = transform(films[chosen], source)
        return films

    return apply


def geometry(films: Tensor, source: torch.Generator) -> Tensor:
    """Rotate up to 12 degrees, zoom and change the aspect (each axis by 0.8 to 1.2), shift up to 8 %."""
    count = len(films)
    angle, shear = uniform(count, -12, 12, source).ravel().deg2rad(), uniform(count, -0.05, 0.05, source).ravel()
    wide, high = uniform(count, 0.8, 1.2, source).ravel(), uniform(count, 0.8, 1.2, source).ravel()
    right, down = uniform(count, -0.16, 0.16, source).ravel(), uniform(count, -0.16, 0.16, source).ravel()
    top = torch.stack([wide * angle.cos(), -high * angle.sin() + shear, right], 1)
    bottom = torch.stack([wide * angle.sin(), high * angle.cos(), down], 1)
    grid = functional.affine_grid(torch.stack([top, bottom], 1), list(films.shape), align_corners=False)
    return functional.grid_sample(films, grid, padding_mode="zeros", align_corners=False)


def flip(films: Tensor, _source: torch.Generator) -> Tensor:
    """Mirror left and right: moves the heart to the other side, so it is offered, measured and off by default."""
    return films.flip(-1)


def exposure(films: Tensor, source: torch.Generator) -> Tensor:
    """Gamma 0.5 to 2, contrast 0.6 to 1.4 about the film's mean, brightness by up to 0.1."""
    count = len(films)
    films = films.clamp(0, 1) ** torch.exp(uniform(count, math.log(0.5), math.log(2.0), source))
    mean = films.mean((1, 2, 3), keepdim=True)
    films = (films - mean) * uniform(count, 0.6, 1.4, source) + mean + uniform(count, -0.1, 0.1, source)
    return films.clamp(0, 1)


def equalise(films: Tensor, source: torch.Generator) -> Tensor:
    """Blend towards the histogram-equalised film by a random weight: exposure then says nothing."""
    levels = (films.clamp(0, 1) * 255).round().long().flatten(1)
    counts = histogram(levels)
    ranks = (counts.cumsum(1) - counts / 2) / levels.shape[1]
    weight = uniform(len(films), 0, 1, source)
    return weight * ranks.gather(1, levels).view_as(films) + (1 - weight) * films


def recording(films: Tensor, source: torch.Generator) -> Tensor:
    """Give each film the spectrum and histogram of a random film of the batch, whatever its class."""
    return take_recording(films, films[torch.randperm(len(films), generator=source, device=source.device)])


def resample(films: Tensor, source: torch.Generator) -> Tensor:
    """Shrink the batch to 35 to 100 % of its size and enlarge it again: the sharpness of another detector."""
    size = films.shape[-1]
    small = int(size * uniform(1, 0.35, 1, source).item())
    shrunk = functional.interpolate(films, (small, small), mode="bilinear", antialias=True)
    return functional.interpolate(shrunk, (size, size), mode="bicubic", align_corners=False).clamp(0, 1)


def sharpness(films: Tensor, source: torch.Generator) -> Tensor:
    """Add the film's own detail (difference from a 7x7 mean) times -0.9 to 1.5: blur below 0, unsharp mask above."""
    smooth = functional.avg_pool2d(functional.pad(films, (3, 3, 3, 3), mode="reflect"), 7, 1)
    return (films + uniform(len(films), -0.9, 1.5, source) * (films - smooth)).clamp(0, 1)


def noise(films: Tensor, source: torch.Generator) -> Tensor:
    """Gaussian noise of standard deviation up to 0.05."""
    level = uniform(len(films), 0, 0.05, source)
    return (films + level * torch.randn(films.shape, generator=source, device=source.device)).clamp(0, 1)


def jpeg(films: Tensor, source: torch.Generator) -> Tensor:
    """JPEG quality 20 to 95."""
    return compress_jpeg(films, uniform(len(films), 20, 95, source).ravel())


def compress_jpeg(films: Tensor, quality: Tensor) -> Tensor:
    """What JPEG of the given quality [N], 1 to 100, loses: 8x8 cosine transform, quantisation by table K.1, back."""
    quality = quality.view(-1, 1, 1, 1, 1)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)  # libjpeg's jpeg_quality_scaling / 100
    steps = (JPEG_LUMINANCE.to(films.device) * scale).clamp(min=1)
    k = torch.arange(8.0, device=films.device)
    cosine = torch.cos((2 * k + 1) * k[:, None] * math.pi / 16) * torch.where(k == 0, math.sqrt(1 / 8), 0.5)[:, None]
    size = films.shape[-1]
    blocks = (films * 255 - 128).view(-1, size // 8, 8, size // 8, 8).transpose(2, 3)
    coefficients = ((cosine @ blocks @ cosine.T) / steps).round() * steps
    decoded = (cosine.T @ coefficients @ cosine).transpose(2, 3).reshape(films.shape)
    return ((decoded + 128) / 255).clamp(0, 1)


def borders(films: Tensor, source: torch.Generator) -> Tensor:
    """Cover each edge by up to 12 % with one grey level: collimators, letters and padding then say nothing."""
    size = films.shape[-1]
    place = torch.arange(size, device=films.device).float().add(0.5).div(size)
    left, right, top, bottom = (uniform(len(films), 0, 0.12, source) for _ in range(4))
    seen = (place > left) & (place < 1 - right) & (place[:, None] > top) & (place[:, None] < 1 - bottom)
    return torch.where(seen, films, uniform(len(films), 0, 1, source) ** 2)


def erase(films: Tensor, source: torch.Generator) -> Tensor:
    """Cover one rectangle of up to 35 % of each side with one grey level."""
    size = films.shape[-1]
    place = torch.arange(size, device=films.device).float().add(0.5).div(size)
    x, y, wide, high = (uniform(len(films), 0, 1, source) for _ in range(4))
    covered = ((place - x).abs() < wide * 0.175) & ((place[:, None] - y).abs() < high * 0.175)
    return torch.where(covered, uniform(len(films), 0, 1, source), films)


TRANSFORMS: dict[str, tuple[Transform, float]] = {
    "flip": (flip, 0.5),
    "geometry": (geometry, 0.9),
    "recording": (recording, 0.4),
    "exposure": (exposure, 0.7),
    "equalise": (equalise, 0.4),
    "resample": (resample, 0.5),
    "sharpness": (sharpness, 0.5),
    "noise": (noise, 0.3),
    "jpeg": (jpeg, 0.3),
    "borders": (borders, 0.5),
    "erase": (erase, 0.3),
}
FRAMING = "framing"
"""Before all others, and not among them: it has to know how wide each film was (``trainer/framing.py``)."""
DEFAULT = tuple(name for name in TRANSFORMS if name != "flip")
FRAMED = (FRAMING, *DEFAULT)
SETS = {"": DEFAULT, "framed": FRAMED}


def named(text: str) -> tuple[str, ...]:
    """The names in a text, comma-separated; one of ``SETS`` stands for its names."""
    return SETS.get(text) or tuple(text.split(","))


def augmentation(names: Sequence[str] = DEFAULT) -> Transform:
    """The named transforms one after another, each on its share of the films; framing is left to who knows the films.

    Raises:
        UnknownName: listing the names there are.
    """
    known = (FRAMING, *TRANSFORMS)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UnknownName(f"augmentation {', '.join(unknown)}; there are {', '.join(known)}")
    parts = [sometimes(*TRANSFORMS[name]) for name in TRANSFORMS if name in names]

    def apply(films: Tensor, source: torch.Generator) -> Tensor:
        for part in parts:
            films = part(films, source)
        return films

    return apply
