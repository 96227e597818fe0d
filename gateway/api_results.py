"""The HTTP API's findings of a job, in every format."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from cxr.errors import JobNotFound, LedgerUnavailable, NotAcceptable, UnknownFormat
from cxr.schemas import Job, JobResult
from gateway.auth import Reader
from gateway.dicom.results import DicomResults
from gateway.fhir import bundle_text
from gateway.negotiation import MEDIA_TYPES, ResultsFormat, chosen
from gateway.parts import Parts
from gateway.problems import documented
from gateway.streams import ndjson_lines, stream, with_references
from gateway.tables import csv_lines

PAGE_IMAGES, LARGEST_PAGE = 1000, 10_000

Limit = Annotated[
    int | None,
    Query(ge=1, le=LARGEST_PAGE, description="Most rows. JSON: 1000; the streams: all. DICOM is always whole."),
]
Offset = Annotated[int, Query(ge=0, description="Index of the first row.")]
Format = Annotated[
    str | None, Query(description="Stronger than the Accept header.", json_schema_extra={"enum": list(ResultsFormat)})
]
Accept = Annotated[str, Header(include_in_schema=False)]


class Results(BaseModel):
    """A page of a job's rows, in the order of its images."""

    job: Job = Field(description="As it stood when the rows were read, or just before.")
    offset: int = Field(description="Index of the first row.")
    results: list[JobResult] = Field(description="A row whose image has not been answered yet has no result.")
    next_offset: int | None = Field(description="Where the next page starts; null on the last.")


_STREAMS: dict[str, Any] = {
    MEDIA_TYPES[name]: {"schema": {"type": "object" if name is ResultsFormat.FHIR else "string"}}
    for name in ResultsFormat
    if name is not ResultsFormat.JSON
}


def results_api(parts: Parts) -> APIRouter:
    """The route ``/v1/jobs/{job_id}/results``."""
    api = APIRouter(prefix="/v1/jobs/{job_id}/results", tags=["jobs"])

    @api.get(
        "",
        summary="Findings of a job",
        response_description="Rows, in the format that was asked for.",
        response_model=Results,
        responses={
            200: {"content": _STREAMS},
            **documented(JobNotFound, UnknownFormat, NotAcceptable, LedgerUnavailable),
        },
    )
    def results(
        caller: Reader,
        job_id: str,
        limit: Limit = None,
        offset: Offset = 0,
        format: Format = None,
        accept: Accept = "",
    ) -> Results | StreamingResponse:
        """JSON page by page; or as one stream: NDJSON (a row a line), CSV, FHIR, DICOM. By `?format=` or by Accept.

        `format=fhir` is a Bundle of FHIR R4: a DiagnosticReport and an Observation per image.
        A stream that ends without its closing chunk was broken off; an HTTP client takes that for an error.
        `format=dicom` is a zip: a structured report and a secondary capture of each judged film that came as DICOM,
        and `index.csv` with a line for every image of the job.
        """
        wanted = chosen(format, accept)
        seen = parts.seen_by(caller)
        standing = seen.jobs.job(job_id)
        seen.custody.read(job_id, caller.actor)
        if wanted is ResultsFormat.JSON:
            return _page(seen, standing, offset, limit or PAGE_IMAGES)
        if wanted is ResultsFormat.DICOM:
            headers = {"Content-Disposition": 'attachment; filename="findings-dicom.zip"'}
            archive = DicomResults.by(seen).archive(job_id)
            return StreamingResponse(archive, media_type=MEDIA_TYPES[wanted], headers=headers)
        rows = seen.jobs.results(job_id, offset, None if limit is None else offset + limit)
        match wanted:
            case ResultsFormat.CSV:
                return stream(csv_lines(rows, standing.state), MEDIA_TYPES[wanted], "findings.csv")
            case ResultsFormat.FHIR:
                referring = with_references(rows, seen.references, job_id)
                return stream(bundle_text(standing, referring), MEDIA_TYPES[wanted], "findings.fhir.json")
        return stream(ndjson_lines(rows), MEDIA_TYPES[wanted], "findings.ndjson")

    return api


def _page(parts: Parts, standing: Job, offset: int, limit: int) -> Results:
    stop = offset + limit
    rows = list(parts.jobs.results(standing.id, offset, stop))
    return Results(job=standing, offset=offset, results=rows, next_offset=stop if stop < standing.total else None)
