"""What every peer does with a film.

``PEER_DECODER``: ``plain``, Pillow as its users have it, or ``ours``. ``PEER_ENGINE``: ``torch``, as its users run it,
or ``ours``, the program that Triton runs; ``PEER_MODEL`` is the model's file, and ``PEER_PARAMETERS`` has the program's
parameters (JSON). A process computes in one thread, for there are as many processes as cores.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

THREADS = 1
PROCESSES = len(os.sched_getaffinity(0))
FILM = (1, 224, 224)
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
    from trainer.backend_program import load_program

    parameters = {**json.loads(os.environ["PEER_PARAMETERS"]), "streams": "1", "threads": str(THREADS)}
    [score] = load_program(path.with_name("model.py")).scorers(path.parent, parameters, FILM)
    return score  # type: ignore[no-any-return]


@cache
def _decoder() -> Callable[[bytes], Any]:
    if os.environ["PEER_DECODER"] == "plain":
        from bench.peers.decoding import plain

        return plain
    from cxr.imaging import preprocess

    return preprocess
