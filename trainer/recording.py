"""A film's recording, apart from its anatomy: radial power spectrum (sharpness, noise) and histogram (exposure).

In the Kermany set both give the class away (see the shortcut audit). Giving a film the recording of another one, in
training from a random film of the batch and in the shifted validation from a film of the other class, breaks that tie.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

RINGS = 28
# Below 6 cycles per film width lie the shapes of chest and heart: anatomy, left alone.
FIRST_RING_CYCLES = 6.0
LARGEST_GAIN = 4.0


def take_recording(films: Tensor, donors: Tensor) -> Tensor:
    """Give each film its donor's spectrum, then its donor's histogram; both [N,1,S,S] float in [0, 1], as is the
    result.
    """
    return take_histogram(take_spectrum(films, donors), donors)


def take_spectrum(films: Tensor, donors: Tensor) -> Tensor:
    """Scale each ring of spatial frequency so that its mean amplitude is the donor's (gain 1/4 to 4)."""
    size = films.shape[-1]
    rows = torch.fft.fftfreq(size, 1 / size, device=films.device)
    columns = torch.fft.rfftfreq(size, 1 / size, device=films.device)
    radius = (rows[:, None].square() + columns.square()).sqrt()
    ring = ((radius / FIRST_RING_CYCLES).clamp(min=1).log() / math.log(size / 2 / FIRST_RING_CYCLES) * RINGS).long()
    ring = ring.clamp(max=RINGS)
    spectrum = torch.fft.rfft2(films)
    amplitude, wanted = _ring_means(spectrum.abs(), ring), _ring_means(torch.fft.rfft2(donors).abs(), ring)
    gain = (wanted / amplitude.clamp(min=1e-6)).clamp(1 / LARGEST_GAIN, LARGEST_GAIN)
    gain[:, 0] = 1
    return torch.fft.irfft2(spectrum * gain[:, ring][:, None], s=(size, size)).clamp(0, 1)


def _ring_means(amplitude: Tensor, ring: Tensor) -> Tensor:
    """[N,1,S,S/2+1] amplitudes -> [N,RINGS+1] means over each ring."""
    flat = ring.flatten().expand(len(amplitude), -1)
    sums = amplitude.new_zeros(len(amplitude), RINGS + 1).scatter_add_(1, flat, amplitude.flatten(1))
    return sums / torch.bincount(ring.flatten(), minlength=RINGS + 1).clamp(min=1)


def take_histogram(films: Tensor, donors: Tensor) -> Tensor:
    """Map grey levels monotonically so that the film's cumulative histogram is the donor's."""
    levels = (films.clamp(0, 1) * 255).round().long().flatten(1)
    own, wanted = _cumulative(levels), _cumulative((donors.clamp(0, 1) * 255).round().long().flatten(1))
    table = torch.searchsorted(wanted, own.contiguous()).clamp(max=255).float() / 255
    return table.gather(1, levels).view_as(films)


def _cumulative(levels: Tensor) -> Tensor:
    return histogram(levels).cumsum(1) / levels.shape[1]


def histogram(levels: Tensor) -> Tensor:
    """[N,P] grey levels 0 to 255, whole numbers -> [N,256] how often each occurs, float."""
    occurrences = torch.ones(levels.shape, device=levels.device)
    return torch.zeros(len(levels), 256, device=levels.device).scatter_add_(1, levels, occurrences)
