"""Files in, findings or rejections out: the only inference path, whatever door the files came through."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from cxr.errors import ImageRejected, NotChestXray
from cxr.imaging import DEFAULT_LIMITS, Limits, preprocess
from cxr.schemas import Prediction, Rejection
from cxr.triton import ModelClient, ModelOutput


class Predictor:
    """Judges batches of files with the served model and its own operating point.

    Raises ``ModelUnavailable`` or ``ContractBroken`` from the model; a bad file never raises, it becomes a Rejection.
    """

    def __init__(self, model: ModelClient, threads: Executor, limits: Limits = DEFAULT_LIMITS) -> None:
        self._model, self._threads, self._limits = model, threads, limits

    def predict(self, files: Sequence[bytes]) -> list[Prediction | Rejection]:
        """One answer per file, in order; at most as many files as the model's ``max_batch_size`` (64)."""
        prepared = list(self._threads.map(self._prepare, files))
        films = [film for film in prepared if not isinstance(film, Rejection)]
        judged = iter(judge(self._model.infer(np.stack(films))) if films else ())
        return [film if isinstance(film, Rejection) else next(judged) for film in prepared]

    def _prepare(self, content: bytes) -> NDArray[np.uint8] | Rejection:
        try:
            return preprocess(content, self._limits)
        except ImageRejected as error:
            return Rejection.of(error)


def judge(output: ModelOutput) -> list[Prediction | Rejection]:
    """Apply the operating point that the model brought along to a batch of its outputs."""
    point, identity = output.model.card.operating_point, output.model.identity
    answers: list[Prediction | Rejection] = []
    for probability, heatmap, ood_score in zip(
        output.probability.tolist(), output.heatmap, output.ood_score.tolist(), strict=True
    ):
        if not ood_score <= point.ood_limit:  # also refuses NaN
            answers.append(Rejection.of(NotChestXray(), ood_score=ood_score, model=identity))
        else:
            answers.append(
                Prediction(
                    finding=point.finding(probability),
                    probability=probability,
                    ood_score=ood_score,
                    heatmap=np.round(heatmap.astype(np.float64), 4).tolist(),
                    model=identity,
                )
            )
    return answers
