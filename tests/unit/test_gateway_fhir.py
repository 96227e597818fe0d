"""Findings as FHIR R4, read by an independent implementation (R4B: of these resources R4's own structure)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from fhir.resources.R4B.bundle import Bundle
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from cxr.errors import NotChestXray
from cxr.schemas import (
    Finding,
    InstanceReference,
    Job,
    JobImage,
    JobResult,
    JobState,
    ModelIdentity,
    Note,
    NoteCode,
    Prediction,
    QueueName,
    Rejection,
)
from gateway.fhir import PNEUMONIA, VALUES, bundle_text

MODEL = ModelIdentity(name="pneumonia_classifier", version=2, engine="openvino")
DONE = datetime(2026, 11, 25, tzinfo=UTC)
JOB = Job(
    id="job",
    state=JobState.DONE,
    queue=QueueName.BATCH,
    total=3,
    answered=3,
    created_at=DONE,
    finished_at=DONE,
)
REFERENCE = InstanceReference(sop_class_uid="1.2", instance_uid="1.3", series_uid="1.4", study_uid="1.5.6")
REFUSED = Rejection.of(NotChestXray(), ood_score=9.0, model=MODEL)


def judged(finding: Finding, probability: float = 0.934) -> Prediction:
    note = Note.of(NoteCode.AGE_OUTSIDE_VALIDATED_RANGE)
    return Prediction(
        finding=finding, probability=probability, ood_score=-1.5, heatmap=[[1.0]], model=MODEL, notes=(note,)
    )


def row(result: Prediction | Rejection | None, index: int = 0) -> JobResult:
    return JobResult(index=index, image=JobImage(name=f"{index}.png", sha256="0" * 64, size_bytes=9), result=result)


def bundle(*rows: tuple[JobResult, InstanceReference | None]) -> Bundle:
    text = "".join(bundle_text(JOB, rows))
    read = Bundle.model_validate_json(text)
    assert json.loads(read.model_dump_json()) == json.loads(text), "something was not understood"
    return read


@pytest.mark.parametrize(
    ("finding", "interpretation"), [("pneumonia", "POS"), ("no_pneumonia", "NEG"), ("indeterminate", "IND")]
)
def test_a_judged_film_is_a_report_and_its_observation(finding: str, interpretation: str) -> None:
    read = bundle((row(judged(Finding(finding))), REFERENCE))
    report, observation = (entry.resource for entry in read.entry)
    assert (report.status, observation.status) == ("preliminary", "preliminary")
    assert report.result[0].reference == read.entry[1].fullUrl
    assert observation.interpretation[0].coding[0].code == interpretation
    assert float(observation.component[0].valueQuantity.value) == pytest.approx(93.4)
    assert observation.device.identifier.value == "pneumonia_classifier/2/openvino"
    assert any("one and five years" in note.text for note in observation.note)
    assert "0.934" in report.conclusion
    assert bool(report.conclusionCode) is (finding == "pneumonia")
    assert report.imagingStudy[0].identifier.value == "urn:oid:1.5.6"
    assert report.subject is None


def test_a_refused_film_says_why() -> None:
    report, observation = (entry.resource for entry in bundle((row(REFUSED), None)).entry)
    assert (report.status, observation.status) == ("cancelled", "cancelled")
    assert observation.valueCodeableConcept is None
    assert [coding.code for coding in observation.dataAbsentReason.coding] == ["not-performed", "not_chest_xray"]
    assert NotChestXray.sentence in report.conclusion
    assert report.imagingStudy is None


def test_a_film_that_waits_is_registered() -> None:
    [entry] = bundle((row(None), None)).entry
    assert (entry.resource.status, entry.resource.result) == ("registered", None)


def test_ids_are_unique_in_a_bundle_and_the_same_when_it_is_read_again() -> None:
    rows = [(row(judged(Finding.PNEUMONIA), 0), None), (row(REFUSED, 1), None), (row(None, 2), None)]
    ids = [entry.resource.id for entry in bundle(*rows).entry]
    assert len(set(ids)) == len(ids) == 5
    assert ids == [entry.resource.id for entry in bundle(*rows).entry]


def test_a_bundle_of_nothing_has_no_empty_list() -> None:
    assert bundle().entry is None


def test_findings_have_the_codes_of_the_dicom_report() -> None:
    from gateway.dicom import report

    assert PNEUMONIA["coding"][0]["code"] == report.PNEUMONIA.value
    for finding, concept in VALUES.items():
        code = report.PRESENCE[finding]
        assert isinstance(code, Code)
        assert (concept["coding"][0]["code"], concept["text"]) == (code.value, code.meaning)
    assert codes.DCM.CertaintyOfFinding.value == "111012"
    assert codes.DCM.ArtificialIntelligence.value == "123110"
