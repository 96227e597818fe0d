"""Results as CSV: complete, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest

from cxr.errors import CorruptImage, NotChestXray
from cxr.notes import NoteCode
from cxr.schemas import Finding, JobImage, JobResult, JobState, ModelIdentity, Note, Prediction, Rejection
from gateway.tables import COLUMNS, csv_lines, safe_text

MODEL = ModelIdentity(name="pneumonia_classifier", version=2, engine="openvino")
JUDGED = Prediction(finding=Finding.PNEUMONIA, probability=0.75, ood_score=-1.5, heatmap=[[1.0]], model=MODEL)


def row(name: str, result: Prediction | Rejection | None, index: int = 0) -> JobResult:
    return JobResult(index=index, image=JobImage(name=name, sha256="0" * 64, size_bytes=9), result=result)


def table(*rows: JobResult, state: JobState = JobState.RUNNING) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(csv_lines(rows, state)))))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_name_that_would_be_a_formula_is_text(start: str) -> None:
    name = f"{start}HYPERLINK(1)"
    assert safe_text(name) == f"'{name}"
    (line,) = table(row(name, None))
    assert line["name"].startswith("'")


def test_quotes_commas_and_line_breaks_stay_inside_their_cell() -> None:
    name = 'a"b,c\nd.png'
    (line,) = table(row(name, None))
    assert line["name"] == name


def test_a_number_stays_a_number() -> None:
    (line,) = table(row("a.png", JUDGED))
    assert (line["probability"], line["ood_score"]) == ("0.75", "-1.5")


def test_notes_are_their_codes() -> None:
    notes = (Note.of(NoteCode.TURNED), Note.of(NoteCode.LOW_CONTRAST))
    noted, plain = table(row("a.png", JUDGED.model_copy(update={"notes": notes})), row("b.png", JUDGED))
    assert (noted["notes"], plain["notes"]) == ("turned low_contrast", "")


def test_every_kind_of_answer_has_its_columns() -> None:
    judged, refused, corrupt, waiting = table(
        row("a.png", JUDGED, 0),
        row("b.png", Rejection.of(NotChestXray(), ood_score=9.0, model=MODEL), 1),
        row("c.png", Rejection.of(CorruptImage()), 2),
        row("d.png", None, 3),
    )
    assert (judged["answer"], judged["finding"], judged["model_version"]) == ("prediction", "pneumonia", "2")
    assert (refused["answer"], refused["code"], refused["engine"]) == ("rejection", "not_chest_xray", "openvino")
    assert (corrupt["code"], corrupt["message"], corrupt["model"]) == ("corrupt_image", CorruptImage.sentence, "")
    assert (waiting["answer"], waiting["finding"], waiting["index"]) == ("waiting", "", "3")
    (cancelled,) = table(row("d.png", None), state=JobState.CANCELLED)
    assert cancelled["answer"] == "cancelled"


def test_a_job_without_rows_still_has_a_heading() -> None:
    assert "".join(csv_lines([], JobState.DONE)) == ",".join(COLUMNS) + "\r\n"
