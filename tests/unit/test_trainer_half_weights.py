"""Weights that are rounded once lose nothing when the graph's file stores them in 16 bits."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="weights are rounded in the trainer's environment (torch)")
pytest.importorskip("onnxruntime", reason="the graph's answers are measured with onnxruntime")

import numpy as np
import onnx
import torch
from torch import nn

from tests.unit.test_trainer_export import Tiny
from trainer.export import write_onnx
from trainer.half_weights import round_to_half, store_in_full
from trainer.phantom import phantoms
from trainer.scorers import onnx_scorer


def network(seed: int = 0) -> Tiny:
    """Two layers and a normalisation that has seen something."""
    tiny = Tiny().eval()
    source = torch.Generator().manual_seed(seed)
    norm = tiny.layers[1]
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.normal_(generator=source)
    norm.running_var.uniform_(0.1, 3, generator=source)
    with torch.no_grad():
        norm.weight.uniform_(-2, 2, generator=source)
    return tiny


def halves_in(path: Path) -> int:
    return sum(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in onnx.load(path).graph.initializer)


def test_rounded_weights_are_stored_in_half_and_answer_the_same(tmp_path: Path) -> None:
    tiny, films = network(), phantoms(8, 224)
    round_to_half(tiny)
    with torch.no_grad():
        expected = tiny(torch.from_numpy(films))[1].numpy()
    write_onnx(tiny, tmp_path / "model.onnx", 224, {})
    assert halves_in(tmp_path / "model.onnx") == 2
    np.testing.assert_allclose(onnx_scorer(tmp_path / "model.onnx")(films)["HEATMAP"], expected, rtol=1e-4, atol=1e-6)


def test_widened_again_the_graph_answers_the_same(tmp_path: Path) -> None:
    tiny, films = network(), phantoms(8, 224)
    round_to_half(tiny)
    write_onnx(tiny, tmp_path / "half.onnx", 224, {})
    model = onnx.load(tmp_path / "half.onnx")
    assert store_in_full(model) == 2
    onnx.save(model, tmp_path / "full.onnx")
    assert halves_in(tmp_path / "full.onnx") == 0
    answers = (onnx_scorer(tmp_path / name)(films)["HEATMAP"] for name in ("half.onnx", "full.onnx"))
    np.testing.assert_array_equal(*answers)


def test_weights_that_would_lose_by_it_stay_in_fp32(tmp_path: Path) -> None:
    write_onnx(network(), tmp_path / "model.onnx", 224, {})
    assert halves_in(tmp_path / "model.onnx") == 0


def test_rounding_moves_a_weight_by_less_than_a_thousandth() -> None:
    tiny = network()
    before = tiny.layers[0].weight.clone()
    round_to_half(tiny)
    assert not torch.equal(before, tiny.layers[0].weight)
    torch.testing.assert_close(tiny.layers[0].weight, before, rtol=1e-3, atol=1e-6)


def test_a_channel_that_the_normalisation_silences_keeps_its_weights() -> None:
    tiny = network()
    norm = tiny.layers[1]
    assert isinstance(norm, nn.BatchNorm2d)
    with torch.no_grad():
        norm.weight[0] = 0
    before = tiny.layers[0].weight[0].clone()
    round_to_half(tiny)
    assert torch.equal(before, tiny.layers[0].weight[0])
