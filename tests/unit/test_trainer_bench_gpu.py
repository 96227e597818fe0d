"""The networks that the GPU bench measures say what the served one says; its counts are those of its layers."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer's environment is not installed")
pytest.importorskip("pytorchcv", reason="the trainer's environment is not installed")

import numpy as np
import torch
from torch import nn

from bench.gpu.networks import HalfTrunk, folded, in_half
from bench.gpu.roofline import counted
from bench.gpu.runner import Runner
from trainer.model import Classifier, ServedModel, save_served
from trainer.ood import OodScore


@pytest.fixture(scope="module")
def films() -> torch.Tensor:
    return torch.randint(0, 256, (3, 1, 224, 224), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def served() -> ServedModel:
    """Two kinds of network, with normalisations that do something."""
    torch.manual_seed(0)
    networks = [Classifier(name, 32) for name in ("efficientnet_lite0_fine", "resnet18_small")]
    model = ServedModel(networks, OodScore(224, (9,), 2)).eval()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean = torch.randn(layer.num_features) / 10
            layer.running_var = torch.rand(layer.num_features) + 0.5
    return model


@torch.no_grad()
def test_folding_leaves_no_normalisation_and_the_same_answers(served: ServedModel, films: torch.Tensor) -> None:
    without = folded(served)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in without.modules())
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in served.modules())
    for expected, answered in zip(served(films), without(films), strict=True):
        torch.testing.assert_close(answered, expected, atol=1e-3, rtol=1e-3)


@torch.no_grad()
def test_half_is_typed_and_near(served: ServedModel, films: torch.Tensor) -> None:
    half = in_half(served, "cuda")
    trunks = [network.trunk for network in half.networks]
    assert all(isinstance(trunk, HalfTrunk) for trunk in trunks)
    assert {weight.dtype for trunk in trunks for weight in trunk.parameters()} == {torch.float16}
    answers = half(films)
    assert {answer.dtype for answer in answers} == {torch.float32}
    torch.testing.assert_close(answers[0], served(films)[0], atol=5e-3, rtol=0)


@torch.no_grad()
def test_a_padded_batch_answers_every_part_in_order(served: ServedModel, films: torch.Tensor) -> None:
    runner = Runner(served, (1, 4), "cpu")
    answers = runner([films[:1].numpy(), films[1:].numpy()])
    for expected, answered in zip(served(films), answers, strict=True):
        np.testing.assert_allclose(answered, expected.numpy(), atol=1e-4)


def test_counts_are_those_of_the_layers(served: ServedModel, tmp_path: Path) -> None:
    save_served(served, tmp_path / "served.pt")
    counts = counted(str(tmp_path / "served.pt"))
    assert counts["least_bytes_per_film"] > 224 * 224
    assert counts["weight_bytes"] == 2 * sum(weight.numel() for weight in folded(served).parameters())
    stem = 2 * 9 * 32 * 16 * 16  # nine products and sums, 32 channels, 32 pixels halved
    assert counts["flop_per_film"] > stem
