"""``python -m bench.light_worker``: the real worker, queue and ledger, with answers that cost nothing.

What is left is what the queue itself costs. ``BENCH_IMAGE_MS`` is how long an image takes elsewhere, on a simulated
engine: the worker waits, the cores are free.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence

from cxr.schemas import Finding, ModelIdentity, Prediction, Rejection
from cxr.settings import Settings
from worker import app

IMAGE_MS = "BENCH_IMAGE_MS"
MODEL = ModelIdentity(name="made-up", version=1, engine="none")
ANSWER = Prediction(
    finding=Finding.NO_PNEUMONIA, probability=0.125, ood_score=0.0625, heatmap=[[-0.1234] * 7] * 7, model=MODEL
)


class MadeUpPredictor:
    """Says the same of every film, after a while."""

    def __init__(self, *_: object) -> None:
        self._image_s = float(os.environ.get(IMAGE_MS, "0")) / 1000

    def ready(self) -> bool:
        return True

    def model(self) -> ModelIdentity:
        return MODEL

    def reference_histogram(self, _: int) -> tuple[int, ...]:
        return ()

    def predict(self, files: Sequence[bytes], *_: object) -> list[Prediction | Rejection]:
        time.sleep(len(files) * self._image_s)
        return [ANSWER.model_copy() for _ in files]


class NoBlobs:
    """Every film is empty, and none is kept."""

    def __init__(self, *_: object) -> None:
        self._installation: str | None = None

    def get(self, _: str) -> bytes:
        return b""

    def tidy(self, *_: object) -> None: ...

    def discard(self, *_: object) -> None: ...

    def installation(self) -> str | None:
        return self._installation

    def belong_to(self, installation: str) -> None:
        self._installation = installation

    def stored(self, older_than_s: float) -> Iterator[str]:  # noqa: ARG002
        return iter(())


class NoBoxes:
    """Nothing is decoded."""

    def __init__(self, *_: object) -> None: ...

    def start(self) -> None: ...

    def close(self) -> None: ...


if __name__ == "__main__":
    app.Predictor, app.blob_store, app.BoxedDecoder = MadeUpPredictor, NoBlobs, NoBoxes  # type: ignore[misc,assignment]
    app.run(Settings())
