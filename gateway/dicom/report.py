"""A finding as a DICOM structured report: TID 1500, PS3.16, by highdicom.

Coded concepts: (233604007, SCT, Pneumonia), (52101004, SCT, Present), (410516002, SCT, Known absent), (82334004, SCT,
Indeterminate) and (399208008, SCT, Plain chest X-ray) are SNOMED CT's; (111012, DCM, Certainty of Finding) is PS3.16
annex D's certainty that a device places upon a finding, 0 to 100: here the calibrated probability in per cent; (123110,
DCM, Artificial Intelligence) is CID 7162's family of algorithms.
"""

from __future__ import annotations

from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    DeviceObserverIdentifyingAttributes,
    EnhancedSR,
    FindingSite,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from cxr.schemas import Finding, InstanceReference, OperatingPoint, Prediction
from gateway.dicom.originals import MANUFACTURER, NOTICE, original, result_uid

PNEUMONIA = CodedConcept("233604007", "SCT", "Pneumonia")
PLAIN_CHEST_XRAY = CodedConcept("399208008", "SCT", "Plain chest X-ray")
PRESENCE = {
    Finding.PNEUMONIA: codes.SCT.Present,
    Finding.NO_PNEUMONIA: codes.SCT.KnownAbsent,
    Finding.INDETERMINATE: codes.SCT.Indeterminate,
}
SERIES_NUMBER = 9001  # above what modalities use, so that results stand behind the films


def report(
    job_id: str,
    index: int,
    prediction: Prediction,
    reference: InstanceReference,
    point: OperatingPoint | None,
) -> Dataset:
    """The report on one film; ``point`` is the operating point it was judged by, where its model can still be asked."""
    uid = result_uid("report", job_id, index)
    content = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=_device(prediction)),
        procedure_reported=PLAIN_CHEST_XRAY,
        imaging_measurements=[_finding(job_id, index, prediction, reference, point)],
    )
    return EnhancedSR(
        evidence=[original(reference)],
        content=content[0],
        series_instance_uid=result_uid("reports", job_id, reference.study_uid),
        series_number=SERIES_NUMBER,
        sop_instance_uid=uid,
        instance_number=index + 1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        series_description="PneumoServe findings",
        software_versions=_version(prediction),
        manufacturer_model_name=prediction.model.name,
        device_serial_number="none",
    )


def _finding(
    job_id: str, index: int, prediction: Prediction, reference: InstanceReference, point: OperatingPoint | None
) -> MeasurementsAndQualitativeEvaluations:
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=result_uid("finding", job_id, index), identifier=f"image {index + 1}"
        ),
        finding_type=PNEUMONIA,
        algorithm_id=AlgorithmIdentification(
            name=prediction.model.name,
            version=str(prediction.model.version),
            family=codes.DCM.ArtificialIntelligence,
            manufacturer=MANUFACTURER,
            parameters=_parameters(prediction, point),
        ),
        finding_sites=[FindingSite(anatomic_location=codes.SCT.Chest)],
        measurements=[
            Measurement(
                name=codes.DCM.CertaintyOfFinding, value=round(100 * prediction.probability, 2), unit=codes.UCUM.Percent
            )
        ],
        qualitative_evaluations=[QualitativeEvaluation(name=PNEUMONIA, value=PRESENCE[prediction.finding])],
        source_images=[
            SourceImageForMeasurementGroup(
                referenced_sop_class_uid=reference.sop_class_uid, referenced_sop_instance_uid=reference.instance_uid
            )
        ],
    )
    for remark in (NOTICE, *(note.message for note in prediction.notes)):
        comment = TextContentItem(
            name=codes.DCM.Comment, value=remark, relationship_type=RelationshipTypeValues.CONTAINS
        )
        group[0].ContentSequence.append(comment)
    return group


def _parameters(prediction: Prediction, point: OperatingPoint | None) -> list[str]:
    said = [f"engine: {prediction.model.engine}", "certainty of finding: calibrated probability of pneumonia"]
    if point:
        said += [
            f"operating point: {point.threshold:.4f}",
            f"indeterminate from {point.indeterminate_low:.4f} to below {point.indeterminate_high:.4f}",
        ]
    return said


def _device(prediction: Prediction) -> ObserverContext:
    return ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=result_uid("device", prediction.model.name, prediction.model.version),
            name=MANUFACTURER,
            manufacturer_name=MANUFACTURER,
            model_name=prediction.model.name,
        ),
    )


def _version(prediction: Prediction) -> str:
    return f"{prediction.model.version} ({prediction.model.engine})"
