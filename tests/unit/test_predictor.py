"""Files in, answers out, with a model that says what it is told (the real one is met in integration)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cxr.predictor import Predictor
from cxr.quality import AVERAGE_FILM, inverted
from cxr.schemas import Finding, ModelCard, OperatingPoint, Prediction, Rejection
from cxr.triton import ModelOutput, ServedModel
from tests.files import dicom, grey_ramp, jpeg, lettered, png

CARD = ModelCard(
    name="pneumonia_classifier",
    version=3,
    architecture="none",
    preprocess_version="1",
    image_size_px=224,
    heatmap_size=(2, 2),
    operating_point=OperatingPoint(threshold=0.5, indeterminate_low=0.4, indeterminate_high=0.6, ood_limit=1.0),
    training_data_sha256="0" * 64,
    weights_sha256="0" * 64,
    onnx_sha256="0" * 64,
    metrics={},
    intended_use="tests",
    attribution="nobody",
    created=datetime(2026, 1, 1, tzinfo=UTC),
)


class ToldModel:
    """Stands in for ModelClient: answers with the probabilities and scores it was given."""

    def __init__(self, probabilities: list[float], ood_scores: list[float]) -> None:
        self.probabilities, self.ood_scores = np.array(probabilities, np.float32), np.array(ood_scores, np.float32)
        self.batches: list[tuple[int, ...]] = []

    def infer(self, images: NDArray[np.uint8]) -> ModelOutput:
        self.batches.append(images.shape)
        heatmap = np.full((len(images), 2, 2), 1.23456789, np.float32)
        return ModelOutput(self.probabilities, heatmap, self.ood_scores, ServedModel(CARD, "told"))


def predictor(model: Any) -> Predictor:
    return Predictor(model)


def test_answers_keep_the_order_of_files_around_bad_ones() -> None:
    model = ToldModel([0.9, 0.1, 0.5], [0.0, 0.0, 0.0])
    answers = predictor(model).predict([b"", png(), b"text", jpeg(), png()[:300], png()])
    assert model.batches == [(3, 1, 224, 224)]
    codes = [answer.code if isinstance(answer, Rejection) else answer.finding for answer in answers]
    assert codes == [
        "empty_file",
        Finding.PNEUMONIA,
        "unsupported_format",
        Finding.NO_PNEUMONIA,
        "corrupt_image",
        Finding.INDETERMINATE,
    ]


def test_the_model_is_not_asked_when_nothing_can_be_judged() -> None:
    model = ToldModel([], [])
    [answer] = predictor(model).predict([b""])
    assert isinstance(answer, Rejection)
    assert model.batches == []


@pytest.mark.parametrize("score", [1.5, float("nan")])
def test_what_does_not_look_like_a_chest_film_gets_no_probability(score: float) -> None:
    [answer] = predictor(ToldModel([0.99], [score])).predict([png()])
    assert isinstance(answer, Rejection)
    assert answer.code == "not_chest_xray"
    assert answer.ood_score == pytest.approx(score, nan_ok=True)
    assert answer.model == ServedModel(CARD, "told").identity


def test_an_inverted_film_gets_no_finding() -> None:
    average = np.kron(np.array(AVERAGE_FILM, np.uint8), np.ones((28, 28), np.uint8))
    upright, negative, blank = predictor(ToldModel([0.99] * 3, [0.1] * 3)).predict(
        [png(average), png(255 - average), png(np.full((300, 300), 90, np.uint8))]
    )
    assert isinstance(upright, Prediction)
    assert isinstance(blank, Prediction)
    assert isinstance(negative, Rejection)
    assert (negative.code, negative.model) == ("inverted_film", upright.model)
    assert negative.ood_score == upright.ood_score


def test_a_refused_film_is_called_inverted_only_where_that_is_plain() -> None:
    average = np.kron(np.array(AVERAGE_FILM, np.float64), np.ones((28, 28)))
    noise = np.random.default_rng(1).normal(0, 130, average.shape).clip(-130, 130)
    mingled = np.kron(noise[::28, ::28], np.ones((28, 28)))
    faint = (0.2 * (255 - average) + mingled).clip(0, 255).astype(np.uint8)
    films = np.stack([faint, 255 - average.astype(np.uint8)])[:, np.newaxis]
    assert inverted(films).all()
    answers = predictor(ToldModel([0.99] * 2, [5.0] * 2)).predict([png(film[0]) for film in films])
    assert [answer.code for answer in answers if isinstance(answer, Rejection)] == ["not_chest_xray", "inverted_film"]


def test_text_seen_on_a_dicom_film_is_a_note_of_its_answer() -> None:
    ramp = grey_ramp(600, 600)
    answers = predictor(ToldModel([0.9] * 3, [0.0] * 3)).predict([dicom(ramp), b"", dicom(lettered(ramp)), png(ramp)])
    codes = [{note.code for note in answer.notes} for answer in answers if isinstance(answer, Prediction)]
    assert ["burnt_in_text_seen" in of_film for of_film in codes] == [False, True, False]


def test_an_answer_says_which_model_gave_it() -> None:
    [answer] = predictor(ToldModel([0.99], [1.0])).predict([png()])
    assert isinstance(answer, Prediction)
    assert answer.model.model_dump() == {"name": "pneumonia_classifier", "version": 3, "engine": "told"}
    assert answer.probability == pytest.approx(0.99)
    assert answer.heatmap == [[1.2346] * 2] * 2


def test_an_answer_has_the_notes_of_its_own_film() -> None:
    flat = np.full((300, 300), 90, np.uint8)
    answers = predictor(ToldModel([0.9] * 4, [0.0, 0.0, 0.9, 0.9])).predict([png(), png(flat), png(flat), png()])
    notes = [[note.code for note in answer.notes] for answer in answers if isinstance(answer, Prediction)]
    of_the_ramp = notes[0]
    assert notes == [of_the_ramp, ["low_contrast"], ["low_contrast", "unlike_others"], [*of_the_ramp, "unlike_others"]]
    assert "low_contrast" not in of_the_ramp
