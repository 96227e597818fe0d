"""Random changes keep shape and range, repeat with their seed, and take another film's recording when asked."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer's environment is not installed")

import torch

from trainer.augment import TRANSFORMS, augmentation, compress_jpeg
from trainer.errors import UnknownName
from trainer.recording import take_histogram, take_recording, take_spectrum
from trainer.shift import NAMES, shifted


@pytest.fixture
def films() -> torch.Tensor:
    noise = torch.rand(4, 1, 224, 224, generator=torch.Generator().manual_seed(3))
    return torch.nn.functional.avg_pool2d(noise, 9, 1, 4) ** 2


@pytest.mark.parametrize("name", list(TRANSFORMS))
def test_a_transform_keeps_shape_and_range_and_repeats(name: str, films: torch.Tensor) -> None:
    transform = TRANSFORMS[name][0]
    once = transform(films.clone(), torch.Generator().manual_seed(5))
    again = transform(films.clone(), torch.Generator().manual_seed(5))
    assert once.shape == films.shape
    assert once.min() >= 0
    assert once.max() <= 1
    torch.testing.assert_close(once, again)
    assert not torch.equal(once, films)


def test_unknown_transforms_are_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="geometry"):
        augmentation(("sepia",))


def test_a_film_takes_the_histogram_and_the_sharpness_of_its_donor(films: torch.Tensor) -> None:
    donors = (torch.rand(4, 1, 224, 224, generator=torch.Generator().manual_seed(4)) * 0.5 + 0.4).clamp(0, 1)
    matched = take_histogram(films, donors)
    assert abs(float(matched.median() - donors.median())) < 0.02
    roughness = lambda x: float((x[..., 1:] - x[..., :-1]).abs().mean())  # noqa: E731
    assert roughness(take_spectrum(films, donors)) > 1.5 * roughness(films)
    assert take_recording(films, donors).shape == films.shape


def test_low_jpeg_quality_loses_more_than_high(films: torch.Tensor) -> None:
    loss = [float((compress_jpeg(films, torch.full((4,), q)) - films).abs().mean()) for q in (10.0, 95.0)]
    assert loss[0] > loss[1]
    assert loss[1] < 0.02


@pytest.mark.parametrize("name", NAMES)
def test_the_shifted_validation_is_the_same_every_time(name: str, films: torch.Tensor) -> None:
    grey, labels = (films * 255).byte().numpy(), np.array([0, 1, 0, 1])
    first = shifted(grey, labels, name)
    assert first.dtype == np.uint8
    assert first.shape == grey.shape
    assert np.array_equal(first, shifted(grey, labels, name))
