"""The HTTP API, version 1: jobs in, findings out."""

from __future__ import annotations

from enum import StrEnum
from itertools import chain
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response, status
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from cxr.errors import (
    BlobsUnavailable,
    CorruptArchive,
    JobNotFound,
    LedgerUnavailable,
    NoImages,
    QueueFull,
    QuotaExceeded,
    RateExceeded,
    RequestRefused,
    RequestTooLarge,
    TooManyImages,
)
from cxr.schemas import Job, JobResult
from cxr.telemetry import stage
from gateway.auth import Reader, Submitter
from gateway.dicom.results import DicomResults
from gateway.multipart import receive
from gateway.parts import Parts
from gateway.problems import documented
from gateway.tables import csv_lines
from gateway.uploads import accept

CSV, ZIP = "text/csv", "application/zip"
PAGE_IMAGES, LARGEST_PAGE = 1000, 10_000


class ResultsFormat(StrEnum):
    JSON = "json"
    CSV = "csv"
    DICOM = "dicom"


class Results(BaseModel):
    """A page of a job's rows, in the order of its images."""

    job: Job
    offset: int = Field(description="Index of the first row.")
    results: list[JobResult] = Field(description="A row whose image has not been answered yet has no result.")
    next_offset: int | None = Field(description="Where the next page starts; null on the last.")


_UPLOAD_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["files"],
                "properties": {
                    "files": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "string", "format": "binary"},
                        "description": "JPEG, PNG or DICOM films, and zips of them; repeat the part for each file.",
                    }
                },
            }
        }
    },
}


def jobs_api(parts: Parts) -> APIRouter:
    """The routes under ``/v1/jobs``."""
    api = APIRouter(prefix="/v1/jobs", tags=["jobs"])
    settings = parts.settings

    @api.post(
        "",
        status_code=status.HTTP_202_ACCEPTED,
        summary="Submit films",
        openapi_extra={"requestBody": _UPLOAD_BODY},
        responses={
            202: {"headers": {"Location": {"description": "The job's address.", "schema": {"type": "string"}}}},
            **documented(
                RequestRefused,
                NoImages,
                CorruptArchive,
                RequestTooLarge,
                TooManyImages,
                QueueFull,
                QuotaExceeded,
                RateExceeded,
                LedgerUnavailable,
                BlobsUnavailable,
            ),
        },
    )
    async def submit(caller: Submitter, request: Request, response: Response) -> Job:
        """Make a job of one or more films. The answer means that they are durable and that each will be answered.

        A file that cannot be judged does not fail the job: it becomes a row with a code and a sentence.
        """
        with stage("receive"):
            spool = await receive(request, settings.max_request_bytes, settings.max_images_per_job)
        try:
            job = await run_in_threadpool(accept, spool.uploads, parts.seen_by(caller))
        finally:
            spool.close()
        response.headers["Location"] = f"/v1/jobs/{job.id}"
        return job

    @api.get("/{job_id}", summary="Where a job stands", responses=documented(JobNotFound, LedgerUnavailable))
    def job(caller: Reader, job_id: str) -> Job:
        """State and progress: ``answered`` of ``total``; ``done`` and ``cancelled`` are final."""
        return parts.seen_by(caller).jobs.job(job_id)

    @api.get(
        "/{job_id}/results",
        summary="Findings of a job",
        response_model=Results,
        responses={
            200: {"content": {CSV: {"schema": {"type": "string"}}, ZIP: {"schema": {"type": "string"}}}},
            **documented(JobNotFound, LedgerUnavailable),
        },
    )
    def results(
        caller: Reader,
        job_id: str,
        limit: Annotated[int | None, Query(ge=1, le=LARGEST_PAGE, description="Most rows (JSON: 1000).")] = None,
        offset: Annotated[int, Query(ge=0, description="Index of the first row.")] = 0,
        format: Annotated[ResultsFormat | None, Query(description="Stronger than the Accept header.")] = None,
        accept: Annotated[str, Header(include_in_schema=False)] = "",
    ) -> Results | StreamingResponse:
        """JSON page by page, or CSV as one stream (``Accept: text/csv`` or ``?format=csv``).

        ``?format=dicom`` is a zip: a structured report and a secondary capture of each judged film that came as DICOM,
        and ``index.csv`` with a line for every image of the job.
        """
        seen = parts.seen_by(caller)
        seen.custody.read(job_id, caller.actor)
        if format == ResultsFormat.DICOM:
            headers = {"Content-Disposition": 'attachment; filename="findings-dicom.zip"'}
            return StreamingResponse(DicomResults.by(seen).archive(job_id), media_type=ZIP, headers=headers)
        if format == ResultsFormat.CSV or (format is None and CSV in accept):
            return _as_csv(seen, job_id, offset, limit)
        standing = seen.jobs.job(job_id)
        stop = offset + (limit or PAGE_IMAGES)
        rows = list(seen.jobs.results(job_id, offset, stop))
        return Results(job=standing, offset=offset, results=rows, next_offset=stop if stop < standing.total else None)

    @api.post("/{job_id}/cancel", summary="Stop a job", responses=documented(JobNotFound, LedgerUnavailable))
    def cancel(caller: Submitter, job_id: str) -> Job:
        """No further image of the job is judged; the answers it has stay. A job that is done stays done."""
        return parts.seen_by(caller).custody.cancel(job_id, caller.actor)

    @api.delete(
        "/{job_id}",
        status_code=status.HTTP_204_NO_CONTENT,
        summary="Forget a job",
        responses=documented(JobNotFound, LedgerUnavailable, BlobsUnavailable),
    )
    def delete(caller: Submitter, job_id: str) -> None:
        """Remove a job, finished or not, its findings, and the films that no other job needs."""
        parts.seen_by(caller).custody.forget(job_id, caller.actor)

    return api


def _as_csv(parts: Parts, job_id: str, offset: int, limit: int | None) -> StreamingResponse:
    rows = parts.jobs.results(job_id, offset, None if limit is None else offset + limit)
    lines = csv_lines(rows)
    head = [
        next(lines),
        *(line for line in [next(lines, None)] if line),
    ]  # an unknown job fails before the answer starts
    headers = {"Content-Disposition": 'attachment; filename="findings.csv"'}
    return StreamingResponse(chain(head, lines), media_type=CSV, headers=headers)
