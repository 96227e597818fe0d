"""Ways to score films with an exported model; each reads a file once and then answers batch after batch.

Films [N,1,S,S] uint8  ->  Answers: PROBABILITY [N,1], HEATMAP [N,h,w], OOD_SCORE [N,1], fp32
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cxr.triton import ModelClient
from trainer.contract import HEATMAP, IMAGE, OOD_SCORE, OUTPUTS, PROBABILITY, Answers, Films, Scorer

BATCH_SIZE = 32

# The CPU engines of the Python backend's program by name, the fastest first, and the file each needs. Films a second on
# two cores with AMX, version 3: bf16 1,172, int8 758, fp32 449; mixed looks again at a tenth of the validation films.
# fp16 is not among them: without AMX-FP16 it is slower than fp32 (about 250 against 400 films a second).
CPU_ENGINES = {
    "openvino-bf16": "model.onnx",
    "openvino-mixed": "model.onnx",
    "openvino-int8": "model.int8.onnx",
    "openvino-fp32": "model.onnx",
}
# Rehearsals on the CPU of what a GPU engine will compute: right in the numbers, slow.
REHEARSALS = {"onnx-fp16": "model.fp16.onnx"}


def in_batches(score: Scorer, films: Films, batch_size: int = BATCH_SIZE) -> Answers:
    """Score many films, ``batch_size`` at a time."""
    parts = [score(films[start : start + batch_size]) for start in range(0, len(films), batch_size)]
    return {name: np.concatenate([part[name] for part in parts]) for name in OUTPUTS}


def onnx_scorer(path: Path) -> Scorer:
    """The reference: ONNX Runtime in fp32 on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def score(films: Films) -> Answers:
        return dict(zip(OUTPUTS, session.run(list(OUTPUTS), {IMAGE: films}), strict=True))

    return score


def triton_scorer(client: ModelClient) -> Scorer:
    """The model that a Triton server answers with, whatever engine runs it."""

    def score(films: Films) -> Answers:
        output = client.infer(films)
        return {
            PROBABILITY: output.probability.reshape(-1, 1),
            HEATMAP: output.heatmap,
            OOD_SCORE: output.ood_score.reshape(-1, 1),
        }

    return score
