"""The exported graph answers as PyTorch does, in any batch size, and carries no trace of the machine that made it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="export needs the trainer's environment (torch)")
pytest.importorskip("onnxruntime", reason="parity is measured with onnxruntime")

import numpy as np
import onnx
import torch

from tests.model_runs import card_fields
from trainer.contract import OUTPUTS
from trainer.export import export_run
from trainer.phantom import phantoms
from trainer.refusals import ExportDiffers
from trainer.scorers import onnx_scorer


class Tiny(torch.nn.Module):
    """Two layers that keep the tensor contract."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 32, stride=32), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 1)
        )

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        cells = self.layers((image.float() - 127) / 128).squeeze(1)
        heatmap = cells / (cells.shape[1] * cells.shape[2])
        return torch.sigmoid(heatmap.sum((1, 2))[:, None]), heatmap, image.float().mean((2, 3)) / 255


class Fickle(Tiny):
    """Answers otherwise while it is exported than afterwards."""

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        probability, heatmap, ood_score = super().forward(image)
        return (probability if torch.compiler.is_exporting() else 1 - probability), heatmap, ood_score


FIELDS = card_fields(heatmap_size=[7, 7])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    export_run(Tiny(), FIELDS, folder, phantoms(8, 224))
    return folder


def test_the_graph_keeps_the_tensor_contract(exported: Path) -> None:
    model = onnx.load(exported / "model.onnx")
    assert [i.name for i in model.graph.input] == ["IMAGE"]
    assert model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param
    assert tuple(o.name for o in model.graph.output) == OUTPUTS
    assert {o.type.tensor_type.elem_type for o in model.graph.output} == {onnx.TensorProto.FLOAT}
    assert next(o.version for o in model.opset_import if o.domain == "") >= 18


@pytest.mark.parametrize("count", [1, 3, 64])
def test_any_batch_size_is_answered_as_pytorch_answers(exported: Path, count: int) -> None:
    films = phantoms(count, 224, seed=1)
    answers = onnx_scorer(exported / "model.onnx")(films)
    with torch.no_grad():
        expected = Tiny().eval()(torch.from_numpy(films))
    for name, reference in zip(OUTPUTS, expected, strict=True):
        np.testing.assert_allclose(answers[name], reference.numpy(), atol=1e-5)


def test_the_card_is_completed_and_the_parity_written_down(exported: Path) -> None:
    manifest = json.loads((exported / "manifest.json").read_text())
    assert manifest["version"] == 1
    assert len(manifest["onnx_sha256"]) == 64
    parity = json.loads((exported / "parity.json").read_text())
    assert parity["films"] == 8
    assert all(parity[name] <= parity["tolerance"] for name in OUTPUTS)


def test_the_same_weights_give_the_same_file_without_local_paths(exported: Path, tmp_path: Path) -> None:
    card = export_run(Tiny(), FIELDS, tmp_path, phantoms(8, 224))
    assert card.onnx_sha256 == json.loads((exported / "manifest.json").read_text())["onnx_sha256"]
    content = (tmp_path / "model.onnx").read_bytes()
    assert str(Path(__file__).parent).encode() not in content
    assert b"stack_trace" not in content
    assert {p.key: p.value for p in onnx.load(tmp_path / "model.onnx").metadata_props}["weights_sha256"] == "1" * 64


def test_a_graph_that_answers_otherwise_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ExportDiffers, match="PROBABILITY"):
        export_run(Fickle(), FIELDS, tmp_path, phantoms(8, 224))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parity.json"]
