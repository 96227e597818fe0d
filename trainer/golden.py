"""The golden sets: a few films with the answers that the ONNX fp32 model gives, which every engine must repeat.

Real films stay in ``runs/<name>/golden.npz``; phantoms (``phantoms.npz``) also travel with the version folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cxr.schemas import OperatingPoint
from trainer.contract import OOD_SCORE, PROBABILITY, Answers, Films

GOLDEN = "golden.npz"
PHANTOMS = "phantoms.npz"
GOLDEN_FILES = (GOLDEN, PHANTOMS)
# A film closer than this to a limit may fall on either side of it by rounding alone, and proves nothing.
MARGIN = 0.05
# bf16 keeps 8 bits of a number; through 50 layers that moved single films by up to 0.07 of probability where no finding
# is near (the gate measures it on hundreds). A wrong graph, a wrong version or swapped outputs differ by far more.
PROBABILITY_TOLERANCE = 0.1


@dataclass(frozen=True)
class GoldenSet:
    """``images`` [N,1,S,S] uint8, ``probability`` [N] and ``ood_score`` [N] fp32 of the ONNX fp32 model."""

    images: Films
    probability: NDArray[np.float32]
    ood_score: NDArray[np.float32]

    def save(self, path: Path) -> None:
        np.savez_compressed(path, images=self.images, probability=self.probability, ood_score=self.ood_score)

    @classmethod
    def load(cls, path: Path) -> GoldenSet:
        with np.load(path, allow_pickle=False) as arrays:
            return cls(arrays["images"], arrays["probability"], arrays["ood_score"])


def golden_of(images: Films, answers: Answers, point: OperatingPoint) -> GoldenSet:
    """Keep the films whose answer is clear of every limit of the operating point."""
    probability, ood_score = answers[PROBABILITY][:, 0], answers[OOD_SCORE][:, 0]
    limits = (point.threshold, point.indeterminate_low, point.indeterminate_high)
    clear = np.all([np.abs(probability - limit) > MARGIN for limit in limits], axis=0)
    clear &= np.abs(ood_score - point.ood_limit) > MARGIN * max(abs(point.ood_limit), 1e-6)
    return GoldenSet(images[clear], probability[clear], ood_score[clear])


def decisions(probability: NDArray[np.float32], ood_score: NDArray[np.float32], point: OperatingPoint) -> list[str]:
    """What the reader is told of each film: a finding's name, or ``refused``."""
    return [
        "refused" if not score <= point.ood_limit else point.finding(p).value
        for p, score in zip(probability.tolist(), ood_score.tolist(), strict=True)
    ]


def disagreements(golden: GoldenSet, answers: Answers, point: OperatingPoint) -> list[str]:
    """Why these answers are not the golden ones, a sentence each; empty where they agree."""
    probability, ood_score = answers[PROBABILITY][:, 0], answers[OOD_SCORE][:, 0]
    before = decisions(golden.probability, golden.ood_score, point)
    after = decisions(probability, ood_score, point)
    found = [f"golden film {i}: {b} became {a}" for i, (b, a) in enumerate(zip(before, after, strict=True)) if a != b]
    worst = float(np.abs(probability - golden.probability).max(initial=0.0))
    if not worst <= PROBABILITY_TOLERANCE:
        found.append(f"golden probabilities differ by up to {worst:.3f}, at most {PROBABILITY_TOLERANCE} is allowed")
    return found
