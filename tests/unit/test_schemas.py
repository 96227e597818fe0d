"""Findings from probabilities, and the shapes that cross process borders."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from cxr.schemas import Chunk, Finding, ImageResult, JobState, ModelIdentity, OperatingPoint, Prediction, Rejection

POINT = OperatingPoint(threshold=0.6, indeterminate_low=0.4, indeterminate_high=0.7, ood_limit=1.0)


@pytest.mark.parametrize(
    ("probability", "finding"),
    [
        (0.0, Finding.NO_PNEUMONIA),
        (0.399, Finding.NO_PNEUMONIA),
        (0.4, Finding.INDETERMINATE),
        (0.6, Finding.INDETERMINATE),
        (0.7, Finding.PNEUMONIA),
        (1.0, Finding.PNEUMONIA),
    ],
)
def test_the_operating_point_names_the_finding(probability: float, finding: Finding) -> None:
    assert POINT.finding(probability) is finding


def test_an_empty_band_leaves_two_findings() -> None:
    point = OperatingPoint(threshold=0.6, indeterminate_low=0.6, indeterminate_high=0.6, ood_limit=1.0)
    assert point.finding(0.6) is Finding.PNEUMONIA
    assert point.finding(0.599) is Finding.NO_PNEUMONIA


def test_a_band_beside_the_threshold_is_refused() -> None:
    with pytest.raises(ValidationError):
        OperatingPoint(threshold=0.3, indeterminate_low=0.4, indeterminate_high=0.7, ood_limit=1.0)


def test_results_find_their_kind_again() -> None:
    adapter: TypeAdapter[Prediction | Rejection] = TypeAdapter(ImageResult)
    model = ModelIdentity(name="m", version=1, engine="e")
    prediction = Prediction(finding=Finding.PNEUMONIA, probability=0.9, ood_score=0.1, heatmap=[[1.0]], model=model)
    for result in (prediction, Rejection(code="corrupt_image", message="damaged")):
        assert adapter.validate_json(result.model_dump_json()) == result


def test_chunks_survive_as_text() -> None:
    chunk = Chunk("job-with_dashes", 64, 127)
    assert Chunk.parse(str(chunk)) == chunk


def test_only_done_and_cancelled_are_final() -> None:
    assert [state for state in JobState if state.final] == [JobState.DONE, JobState.CANCELLED]
