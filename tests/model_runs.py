"""A run as the trainer leaves it, in milliseconds: a toy graph that keeps the tensor contract, its card, its proofs."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import openvino
from onnx import TensorProto, helper

from cxr.schemas import ModelCard
from trainer.contract import OUTPUTS, Answers, Films
from trainer.golden import GOLDEN_FILES, golden_of
from trainer.phantom import phantoms
from trainer.proof import GateProof, proof_path

SIZE_PX = 224


def card_fields(**changes: Any) -> dict[str, Any]:
    """The card's fields as calibration leaves them: all but version and onnx_sha256."""
    return {
        "name": "toy",
        "architecture": "mean grey level",
        "preprocess_version": "1",
        "image_size_px": SIZE_PX,
        "heatmap_size": [2, 2],
        "operating_point": {
            "threshold": 0.5,
            "indeterminate_low": 0.5,
            "indeterminate_high": 0.5,
            "ood_limit": 10.0,
        },
        "training_data_sha256": "0" * 64,
        "weights_sha256": "1" * 64,
        "metrics": {"validation": {"auc": {"value": 0.5, "low": 0.4, "high": 0.6}}},
        "intended_use": "tests",
        "attribution": "none",
        "created": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
        **changes,
    }


def toy_graph(bias: float = 0.0) -> onnx.ModelProto:
    """PROBABILITY rises with the film's mean grey level; HEATMAP is its four quarters' means; OOD_SCORE the mean."""
    half = SIZE_PX // 2
    nodes = [
        helper.make_node("Cast", ["IMAGE"], ["grey"], to=TensorProto.FLOAT),
        helper.make_node("AveragePool", ["grey"], ["quarters"], kernel_shape=[half, half], strides=[half, half]),
        helper.make_node("Squeeze", ["quarters", "channel"], ["HEATMAP"]),
        helper.make_node("ReduceMean", ["HEATMAP", "cells"], ["mean"], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "channel"], ["column"]),
        helper.make_node("Sub", ["column", "middle"], ["above"]),
        helper.make_node("Add", ["above", "bias"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["PROBABILITY"]),
        helper.make_node("Div", ["column", "white"], ["OOD_SCORE"]),
    ]
    constants = {
        "channel": np.array([1], np.int64),
        "cells": np.array([1, 2], np.int64),
        "middle": np.array([[120]], np.float32),
        "bias": np.array([[bias]], np.float32),
        "white": np.array([[255]], np.float32),
    }
    shapes = {"PROBABILITY": ["N", 1], "HEATMAP": ["N", 2, 2], "OOD_SCORE": ["N", 1]}
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info("IMAGE", TensorProto.UINT8, ["N", 1, SIZE_PX, SIZE_PX])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def exact_answers(path: Path, films: Films) -> Answers:
    """What the graph answers in fp32."""
    config = {"INFERENCE_PRECISION_HINT": "f32"}
    answer = openvino.compile_model(path, "CPU", config)([films])
    return {name: np.array(answer[name]) for name in OUTPUTS}


def write_run(folder: Path, *, bias: float = 0.0, reasons: tuple[str, ...] = ()) -> ModelCard:
    """An exported and gated run; with ``reasons``, one that the gate refused."""
    folder.mkdir(parents=True)
    onnx.save(toy_graph(bias), folder / "model.onnx")
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    card = ModelCard.model_validate({**card_fields(), "version": 1, "onnx_sha256": digest})
    (folder / "manifest.json").write_text(card.model_dump_json())
    films = phantoms(8, SIZE_PX)
    golden = golden_of(films, exact_answers(folder / "model.onnx", films), card.operating_point)
    for name in GOLDEN_FILES:
        golden.save(folder / name)
    proof = GateProof(
        engine="openvino-fp32",
        onnx_sha256=digest,
        films=8,
        auc_difference=0,
        decisions_flipped=0,
        findings_changed=0,
        mean_probability_difference=0,
        max_probability_difference=0,
        max_ood_score_difference=0,
        limits={},
        reasons=list(reasons),
    )
    stated = proof.model_dump(exclude={"sets", "weights_sha256"})  # as before they were stated
    proof_path(folder, proof.engine).write_text(json.dumps(stated))
    return card


def empty_repository(folder: Path, program: str = "# the backend's program\n") -> Path:
    """A model's folder that holds only the Python backend's program, as before the first publish."""
    version = folder / "pneumonia_classifier" / "1"
    version.mkdir(parents=True)
    (version / "model.py").write_text(program)
    return version.parent
