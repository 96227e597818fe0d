"""The HTTP API's DICOM results of one image."""

from __future__ import annotations

from fastapi import APIRouter, Response

from cxr.errors import (
    BlobsUnavailable,
    ImageNotFound,
    ImageRejected,
    JobNotFound,
    LedgerUnavailable,
    NoDicomOriginal,
    ResultsNotReady,
)
from gateway.auth import Reader
from gateway.dicom.results import DicomResults
from gateway.pictures import Index
from gateway.problems import documented

SOUGHT = JobNotFound, ImageNotFound, ImageRejected, NoDicomOriginal, ResultsNotReady, LedgerUnavailable


class DicomFile(Response):
    media_type = "application/dicom"


def dicom_api(results: DicomResults) -> APIRouter:
    """The routes under ``/v1/jobs/{job_id}/images/{index}`` for films that came as DICOM."""

    def shown_to(caller: Reader, job_id: str, index: Index) -> DicomResults:
        seen = results.seen_by(caller)
        seen.films.parts.custody.pictured(job_id, index, caller.actor)
        return seen

    api = APIRouter(prefix="/v1/jobs/{job_id}/images/{index}", tags=["DICOM"], default_response_class=DicomFile)

    @api.get(
        "/report.dcm",
        summary="The finding as a structured report",
        response_description="The report.",
        responses=documented(*SOUGHT),
    )
    def report(caller: Reader, job_id: str, index: Index) -> Response:
        """TID 1500: finding, probability, algorithm and operating point, referring to the instance that was sent."""
        return DicomFile(shown_to(caller, job_id, index).report(job_id, index))

    @api.get(
        "/capture.dcm",
        summary="The film under its heatmap as a secondary capture",
        response_description="The capture.",
        responses=documented(*SOUGHT, BlobsUnavailable),
    )
    def capture(caller: Reader, job_id: str, index: Index) -> Response:
        """RGB, at most 1024 px on the longer side of the film, referring to the instance that was sent."""
        return DicomFile(shown_to(caller, job_id, index).capture(job_id, index))

    return api
