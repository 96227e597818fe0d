"""The graph that peers run in PyTorch is the served one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.peers.graph import scorer
from trainer.contract import MODEL_NAME
from trainer.phantom import phantoms
from trainer.repository import card_to_serve
from trainer.scorers import onnx_scorer


def test_pytorch_answers_as_the_served_graph_does() -> None:
    model = Path("model_repository") / MODEL_NAME
    path, films = model / str(card_to_serve(model).version) / "model.onnx", phantoms(4, 224)
    expected, found = onnx_scorer(path)(films), scorer(path)(films)
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert found[name] == pytest.approx(np.asarray(values), abs=1e-3), name
