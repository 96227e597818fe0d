"""The serving path agrees with training: original files through ``preprocess`` and Triton, against the 224 copies the
model was trained on through the ONNX file itself."""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
import openvino
from PIL import Image

from cxr.imaging import preprocess
from cxr.schemas import Finding
from deploy.local.settings import ROOT
from tests.stack import Stack

MODEL = ROOT / "model_repository" / "pneumonia_classifier"


def test_no_finding_turns_between_originals_and_training_copies(
    stack: Stack, data: Path, originals: list[Path]
) -> None:
    pairs = [
        (path, copy)
        for path in originals
        for copy in (data / "kermany_224" / "train").glob(f"{path.parent.name}/{path.stem}*")
    ]
    assert len(pairs) >= 50
    files = np.stack([preprocess(path.read_bytes()) for path, _ in pairs])
    copies = np.stack([np.asarray(Image.open(copy), np.uint8)[np.newaxis] for _, copy in pairs])
    served = stack.model.infer(files)
    version = served.model.card.version
    core = openvino.Core()
    exact = core.compile_model(MODEL / str(version) / "model.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    direct = exact(copies)["PROBABILITY"].reshape(-1)
    point = served.model.card.operating_point
    moved = [
        (point.finding(float(a)), point.finding(float(b)))
        for a, b in zip(served.probability, direct, strict=True)
        if point.finding(float(a)) is not point.finding(float(b))
    ]
    median = statistics.median(np.abs(served.probability - direct).tolist())
    print(f"{len(pairs)} films: median probability difference {median:.5f}, {len(moved)} in or out of the band")
    assert all(Finding.INDETERMINATE in findings for findings in moved)
    assert len(moved) <= 0.05 * len(pairs)
    assert median < 0.01
