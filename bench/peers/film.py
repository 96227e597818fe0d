"""What every peer does with a film, in one of two ways.

``PEER_ENGINE=torch``: as its users run it, Pillow and PyTorch. ``PEER_ENGINE=ours``: our decoding and our engine
(OpenVINO, the file and precision that Triton serves). ``PEER_MODEL`` and ``PEER_PRECISION`` say which. A process
computes in one thread, for there are as many processes as cores.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

THREADS = 1
PROCESSES = len(os.sched_getaffinity(0))
MAX_BATCH, BATCH_WAIT_S = 16, 0.01


def decode(content: bytes) -> Any:
    """One file to [1, 224, 224] uint8."""
    return _decoder()(content)


def answers(films: list[Any]) -> list[dict[str, Any]]:
    """What there is to say of each film."""
    found = scorer()(np.stack(films))
    rows = zip(found["PROBABILITY"], found["OOD_SCORE"], found["HEATMAP"], strict=True)
    return [
        {"probability": float(probability[0]), "ood_score": float(ood_score[0]), "heatmap": heatmap.tolist()}
        for probability, ood_score, heatmap in rows
    ]


@cache
def scorer() -> Callable[[Any], dict[str, Any]]:
    """The engine; loaded where it is called for the first time."""
    path = Path(os.environ["PEER_MODEL"])
    if os.environ["PEER_ENGINE"] == "torch":
        import torch

        from bench.peers.graph import scorer as by_torch

        torch.set_num_threads(THREADS)
        return by_torch(path)
    import openvino as ov

    properties = {"INFERENCE_PRECISION_HINT": os.environ["PEER_PRECISION"], "INFERENCE_NUM_THREADS": THREADS}
    compiled = ov.Core().compile_model(path, "CPU", properties)
    request = compiled.create_infer_request()

    def score(films: Any) -> dict[str, Any]:
        found = request.infer({"IMAGE": films}, share_inputs=True)
        return {name: found[name].copy() for name in ("PROBABILITY", "OOD_SCORE", "HEATMAP")}

    return score


@cache
def _decoder() -> Callable[[bytes], Any]:
    if os.environ["PEER_ENGINE"] == "torch":
        from bench.peers.decoding import plain

        return plain
    from cxr.imaging import preprocess

    return preprocess
