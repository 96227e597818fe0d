"""Files in, findings or rejections out: the only inference path, whatever door the files came through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from numpy.typing import NDArray

from cxr.decoding import Decoder, ThreadDecoder
from cxr.errors import InvertedFilm, NotChestXray
from cxr.imaging import Film
from cxr.notes import NoteCode
from cxr.quality import INVERTED_BELOW, PLAINLY_INVERTED_BELOW, polarity, remarks, unlike_others
from cxr.schemas import ModelIdentity, Note, Prediction, Rejection
from cxr.telemetry import stage
from cxr.triton import ModelClient, ModelOutput

Asking = Callable[[], AbstractContextManager[None]]


class Predictor:
    """Judges batches of files with the served model and its own operating point.

    Without a ``decoder``, files are decoded in two threads of this process. Raises ``ModelUnavailable`` or
    ``ContractBroken`` from the model, ``DecoderUnavailable`` from the decoder; a bad file never raises, it becomes a
    Rejection.
    """

    def __init__(self, model: ModelClient, decoder: Decoder | None = None) -> None:
        self._model, self._decoder = model, decoder or ThreadDecoder()

    def ready(self) -> bool:
        """Whether the model can answer now; never raises."""
        return self._model.ready()

    def model(self) -> ModelIdentity:
        """Which model would answer now."""
        return self._model.served().identity

    def reference_histogram(self, version: int) -> tuple[int, ...]:
        """What a version's card says of the validation films' probabilities; empty when it says nothing."""
        return self._model.version(version).card.reference_histogram

    def predict(self, files: Sequence[bytes], asking: Asking = nullcontext) -> list[Prediction | Rejection]:
        """One answer per file, in order; at most as many files as the model's ``max_batch_size`` (64).

        ``asking`` is entered while the model is asked: what befalls the caller then is no file's fault.
        """
        with stage("decode", images=len(files)):
            prepared = self._decoder.decode(files)
        films = [film for film in prepared if not isinstance(film, Rejection)]
        judged = iter(self._judged(films, asking) if films else ())
        return [film if isinstance(film, Rejection) else next(judged) for film in prepared]

    def _judged(self, films: list[Film], asking: Asking) -> list[Prediction | Rejection]:
        with stage("infer", images=len(films)):
            batch = np.stack([film.tensor for film in films])
            with asking():
                output = self._model.infer(batch)
        answers = _inverted_refused(judge(output), batch)
        found = zip(answers, films, remarks(batch), strict=True)
        return [_remarked(answer, film, codes, output) for answer, film, codes in found]


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


def _inverted_refused(answers: list[Prediction | Rejection], films: NDArray[np.uint8]) -> list[Prediction | Rejection]:
    """The answers, without a finding where the film is inverted; of a refused film that is said where it is plain."""
    return [
        Rejection.of(InvertedFilm(), ood_score=answer.ood_score, model=answer.model)
        if likeness < (INVERTED_BELOW if isinstance(answer, Prediction) else PLAINLY_INVERTED_BELOW)
        else answer
        for answer, likeness in zip(answers, polarity(films), strict=True)
    ]


def _remarked(
    answer: Prediction | Rejection, film: Film, codes: list[NoteCode], output: ModelOutput
) -> Prediction | Rejection:
    """The answer with what is remarkable of its film."""
    if isinstance(answer, Rejection):
        return answer
    codes = [*film.notes, *codes]
    if unlike_others(answer.ood_score, output.model.card.operating_point):
        codes = [*codes, NoteCode.UNLIKE_OTHERS]
    return answer.model_copy(update={"notes": tuple(Note.of(code) for code in codes)}) if codes else answer
