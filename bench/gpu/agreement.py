"""Whether fp16 says what fp32 says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench.gpu.networks import in_half, load
from bench.gpu.orders import Keep, Orders
from bench.gpu.runner import Runner

BATCH = 64
SMOOTH_FILMS = 512


def measure(orders: Orders, keep: Keep) -> None:
    """Differences of the captured fp16 graphs to plain fp32, and decisions on the other side of the threshold."""
    films, kind = chosen_films(orders)
    served = load(orders.model, orders.device)
    runner = Runner(in_half(served, orders.device), (BATCH,), orders.device)
    exact, half = [], []
    for start in range(0, len(films), BATCH):
        part = films[start : start + BATCH]
        with torch.no_grad():
            outputs = served(torch.from_numpy(part).to(orders.device))
        exact.append([output.cpu().numpy() for output in outputs])
        half.append(runner([part]))
    expected, answered = ([np.concatenate(parts) for parts in zip(*batches, strict=True)] for batches in (exact, half))
    probability, _, ood = (np.abs(one - other) for one, other in zip(expected, answered, strict=True))
    decisions = [outputs[0] >= orders.threshold for outputs in (expected, answered)]
    keep(
        {
            "films": len(films),
            "kind": kind,
            "threshold": orders.threshold,
            "largest": float(probability.max()),
            "mean": float(probability.mean()),
            "ood_largest": float(ood.max()),
            "flipped": int((decisions[0] != decisions[1]).sum()),
            "positive": int(decisions[0].sum()),
        }
    )


def chosen_films(orders: Orders) -> tuple[NDArray[np.uint8], str]:
    """Films [N,1,224,224] uint8 of the file, else the decoded originals, else smooth noise; and which these are."""
    if orders.films:
        return np.ascontiguousarray(np.load(orders.films)), "films"
    if orders.originals:
        from cxr.imaging import preprocess

        paths = sorted(path for path in Path(orders.originals).rglob("*") if path.is_file())
        return np.stack([preprocess(path.read_bytes()) for path in paths]), "original films"
    coarse = torch.randn(16 if orders.quick else SMOOTH_FILMS, 1, 9, 9)
    fine = torch.nn.functional.interpolate(coarse, (224, 224), mode="bicubic", align_corners=True)
    return (128 + 48 * fine).clamp(0, 255).byte().numpy(), "smooth random images"
