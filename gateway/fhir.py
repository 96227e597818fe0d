"""Findings as HL7 FHIR R4: a Bundle with a DiagnosticReport and an Observation for each film.

Whose codes these are, and where they are listed:

    LOINC 30745-4 XR Chest Views                       the report's code; https://loinc.org/30745-4
    v2-0074 RAD Radiology                              its category; https://hl7.org/fhir/R4/v2/0074
    SNOMED CT 233604007 Pneumonia                      what was looked for, as in gateway.dicom.report
    SNOMED CT 52101004, 410516002, 82334004            present, known absent, indeterminate, as there
    v3-ObservationInterpretation POS, NEG, IND         https://terminology.hl7.org/CodeSystem-v3-ObservationInterpretation.html
    DCM 111012 Certainty of Finding                    PS3.16 annex D: here the calibrated probability in per cent
    DCM 123110 Artificial Intelligence                 PS3.16 CID 7162
    data-absent-reason not-performed                   https://hl7.org/fhir/R4/codesystem-data-absent-reason.html

No person has verified a finding: its status is ``preliminary``. A refused film is ``cancelled``, with the code and the
sentence of its refusal; one that waits is ``registered``. The patient is not named, and not known.
A film that came as DICOM carries the UID of its study, by which the receiver finds the patient.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from cxr.schemas import Finding, InstanceReference, Job, JobResult, JobState, Prediction, Rejection
from gateway.dicom.originals import MANUFACTURER, NOTICE

OURS = "urn:pneumoserve:"
LOINC, SNOMED, UCUM = "http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
HL7 = "http://terminology.hl7.org/CodeSystem/"
NAMESPACE = uuid.uuid5(
    uuid.NAMESPACE_URL, OURS + "fhir"
)  # the same result is the same resource, however often it is read

Resource = dict[str, Any]
Row = tuple[JobResult, InstanceReference | None]


def _concept(system: str, code: str, display: str, text: str | None = None) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": text or display}


CHEST_XRAY = _concept(LOINC, "30745-4", "XR Chest Views")
PNEUMONIA = _concept(SNOMED, "233604007", "Pneumonia")
VALUES = {
    Finding.PNEUMONIA: _concept(SNOMED, "52101004", "Present"),
    Finding.NO_PNEUMONIA: _concept(SNOMED, "410516002", "Known absent"),
    Finding.INDETERMINATE: _concept(SNOMED, "82334004", "Indeterminate"),
}
INTERPRETATIONS = {
    Finding.PNEUMONIA: _concept(HL7 + "v3-ObservationInterpretation", "POS", "Positive"),
    Finding.NO_PNEUMONIA: _concept(HL7 + "v3-ObservationInterpretation", "NEG", "Negative"),
    Finding.INDETERMINATE: _concept(HL7 + "v3-ObservationInterpretation", "IND", "Indeterminate"),
}
SAID = {
    Finding.PNEUMONIA: "Pneumonia",
    Finding.NO_PNEUMONIA: "No pneumonia",
    Finding.INDETERMINATE: "Indeterminate",
}


def bundle_text(job: Job, rows: Iterable[Row]) -> Iterator[str]:
    """The JSON of a Bundle of type ``collection``, piece by piece, one film in memory at a time."""
    head = {"resourceType": "Bundle", "type": "collection", "identifier": {"system": OURS + "job", "value": job.id}}
    yield json.dumps(head)[:-1]
    before = ', "entry": [\n'
    for row, reference in rows:
        for resource in _resources(job, row, reference):
            yield before + json.dumps({"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource})
            before = ",\n"
    yield "]}\n" if before == ",\n" else "}\n"  # FHIR has no empty lists


def _resources(job: Job, row: JobResult, reference: InstanceReference | None) -> Iterator[Resource]:
    observation = _observation(job, row, reference) if row.result else None
    yield _report(job, row, reference, observation)
    if observation:
        yield observation


def _report(job: Job, row: JobResult, reference: InstanceReference | None, observation: Resource | None) -> Resource:
    report: Resource = {
        "resourceType": "DiagnosticReport",
        "id": _id(job, row, "report"),
        "identifier": _identifiers(job, row),
        "status": "cancelled" if job.state is JobState.CANCELLED else "registered",
        "category": [_concept(HL7 + "v2-0074", "RAD", "Radiology")],
        "code": CHEST_XRAY,
    }
    if reference:
        report["imagingStudy"] = [_study(reference)]
    if observation:
        report |= {"status": observation["status"], "result": [{"reference": f"urn:uuid:{observation['id']}"}]}
        if job.finished_at:
            report["issued"] = job.finished_at.isoformat().replace("+00:00", "Z")
    match row.result:
        case Prediction():
            finding = row.result.finding
            report["conclusion"] = f"{SAID[finding]}, calibrated probability {row.result.probability:.3f}. {NOTICE}"
            if finding is Finding.PNEUMONIA:
                report["conclusionCode"] = [PNEUMONIA]
        case Rejection():
            report["conclusion"] = f"Not judged. {row.result.message}"
    return report


def _observation(job: Job, row: JobResult, reference: InstanceReference | None) -> Resource:
    observation: Resource = {
        "resourceType": "Observation",
        "id": _id(job, row, "observation"),
        "identifier": _identifiers(job, row),
        "category": [_concept(HL7 + "observation-category", "imaging", "Imaging")],
        "code": PNEUMONIA,
    }
    if reference:
        observation["derivedFrom"] = [_study(reference)]
    match row.result:
        case Prediction():
            observation |= _judged(row.result)
        case Rejection():
            observation |= _refused(row.result)
    return observation


def _judged(prediction: Prediction) -> Resource:
    model = prediction.model
    percent = {"value": round(100 * prediction.probability, 2), "unit": "%", "system": UCUM, "code": "%"}
    certainty = _concept(DCM, "111012", "Certainty of Finding", "Calibrated probability of pneumonia")
    return {
        "status": "preliminary",
        "valueCodeableConcept": VALUES[prediction.finding],
        "interpretation": [INTERPRETATIONS[prediction.finding]],
        "component": [{"code": certainty, "valueQuantity": percent}],
        "method": _concept(DCM, "123110", "Artificial Intelligence"),
        "device": {
            "identifier": {"system": OURS + "model", "value": f"{model.name}/{model.version}/{model.engine}"},
            "display": f"{MANUFACTURER} {model.name}, version {model.version}, engine {model.engine}",
        },
        "note": [{"text": text} for text in (NOTICE, *(note.message for note in prediction.notes))],
    }


def _refused(rejection: Rejection) -> Resource:
    reason = _concept(HL7 + "data-absent-reason", "not-performed", "Not Performed", rejection.message)
    reason["coding"].append({"system": OURS + "code", "code": rejection.code})
    return {"status": "cancelled", "dataAbsentReason": reason}


def _identifiers(job: Job, row: JobResult) -> list[Resource]:
    """By which a client finds its file again: place in the job, file name, SHA-256 of the bytes."""
    named = {"image": f"{job.id}/{row.index}", "file-name": row.image.name.strip(), "sha256": row.image.sha256}
    return [{"system": OURS + name, "value": value} for name, value in named.items() if value]


def _study(reference: InstanceReference) -> Resource:
    """A study by its DICOM UID, as https://hl7.org/fhir/R4/imagingstudy.html writes it."""
    identifier = {"system": "urn:dicom:uid", "value": f"urn:oid:{reference.study_uid}"}
    return {"type": "ImagingStudy", "identifier": identifier}


def _id(job: Job, row: JobResult, kind: str) -> str:
    return str(uuid.uuid5(NAMESPACE, f"{job.id}/{row.index}/{kind}"))
