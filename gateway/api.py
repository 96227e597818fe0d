"""The HTTP API, version 1: jobs come in, are looked at, and end."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response, status
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from cxr.errors import (
    AddressRefused,
    BlobsUnavailable,
    CorruptArchive,
    IdempotencyKeyReused,
    InvalidCursor,
    JobNotFound,
    LedgerUnavailable,
    NoImages,
    ObjectStoreUnavailable,
    QueueFull,
    QuotaExceeded,
    RateExceeded,
    RequestRefused,
    RequestTooLarge,
    TooManyImages,
)
from cxr.jobs import Place
from cxr.schemas import Job
from cxr.telemetry import stage
from gateway.addressed import Addresses, accept_addresses, read_addresses
from gateway.auth import Reader, Submitter
from gateway.idempotency import Once
from gateway.multipart import receive
from gateway.parts import Parts
from gateway.problems import documented
from gateway.spool import Upload
from gateway.uploads import accept

LONGEST_KEY = 255
IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=f"^[!-~]{{1,{LONGEST_KEY}}}$",
        description="Made by you, one for each job; remembered for `CXR_IDEMPOTENCY_S` or until the job is gone.",
    ),
]
JSON = "application/json"
REPLAYED = "Idempotent-Replayed"
HEADERS = {
    "Location": {"description": "The job's address.", "schema": {"type": "string"}},
    REPLAYED: {"description": "`true` where an earlier request made the job.", "schema": {"type": "string"}},
}
PAGE_JOBS, LARGEST_PAGE = 50, 500


class JobsPage(BaseModel):
    """A page of the caller's jobs, newest first."""

    jobs: list[Job] = Field(description="The newest first.")
    next_cursor: str | None = Field(description="Hand it back as `cursor` for the next page; null on the last.")


FILES = {
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
BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": FILES},
        JSON: {
            "schema": Addresses.model_json_schema(),
            "example": {"addresses": ["s3://films/2026/11/one.dcm", "s3://films/2026/11/two.dcm"]},
        },
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
        response_description="The job. Its films are durable, and each will be answered.",
        openapi_extra={"requestBody": BODY},
        responses={
            202: {"headers": HEADERS},
            **documented(
                RequestRefused,
                AddressRefused,
                NoImages,
                CorruptArchive,
                RequestTooLarge,
                TooManyImages,
                IdempotencyKeyReused,
                QueueFull,
                QuotaExceeded,
                RateExceeded,
                LedgerUnavailable,
                BlobsUnavailable,
                ObjectStoreUnavailable,
            ),
        },
    )
    async def submit(
        caller: Submitter, request: Request, response: Response, idempotency_key: IdempotencyKey = None
    ) -> Job:
        """Make a job of one or more films. The answer means that they are durable and that each will be answered.

        A file that cannot be judged does not fail the job: it becomes a row with a code and a sentence.
        Instead of files it may name films by address, where this gateway allows that: they are fetched meanwhile.
        Sent again with the same `Idempotency-Key` and the same files, it is the same job.
        """
        seen = parts.seen_by(caller)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == JSON:
            addresses = await read_addresses(request, settings.max_images_per_job)
            once = Once.of_text(idempotency_key, json.dumps(addresses)) if idempotency_key else None
            job = await run_in_threadpool(accept_addresses, addresses, seen, once)
        else:
            job, once = await _receive_files(request, seen, idempotency_key)
        response.headers["Location"] = f"/v1/jobs/{job.id}"
        if once and once.replayed:
            response.headers[REPLAYED] = "true"
        return job

    @api.get(
        "",
        summary="Your jobs",
        response_description="A page of them.",
        responses=documented(InvalidCursor, LedgerUnavailable),
    )
    def jobs(
        caller: Reader,
        limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Most jobs on this page.")] = PAGE_JOBS,
        cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
    ) -> JobsPage:
        """Newest first, your own alone; a job leaves the list when it is deleted or its retention ends."""
        found, last = parts.seen_by(caller).jobs.page(limit, None if cursor is None else Place.of(cursor))
        return JobsPage(jobs=found, next_cursor=last.cursor if last else None)

    @api.get(
        "/{job_id}",
        summary="Where a job stands",
        response_description="The job as it stands.",
        responses=documented(JobNotFound, LedgerUnavailable),
    )
    def job(caller: Reader, job_id: str) -> Job:
        """State and progress: ``answered`` of ``total``; ``done`` and ``cancelled`` are final."""
        return parts.seen_by(caller).jobs.job(job_id)

    @api.post(
        "/{job_id}/cancel",
        summary="Stop a job",
        response_description="The job as it stands: `cancelled`, or `done` if it was faster.",
        responses=documented(JobNotFound, LedgerUnavailable),
    )
    def cancel(caller: Submitter, job_id: str) -> Job:
        """No further image of the job is judged; the answers it has stay. A job that is done stays done."""
        return parts.seen_by(caller).custody.cancel(job_id, caller.actor)

    @api.delete(
        "/{job_id}",
        status_code=status.HTTP_204_NO_CONTENT,
        summary="Forget a job",
        response_description="It is gone.",
        responses=documented(JobNotFound, LedgerUnavailable, BlobsUnavailable),
    )
    def delete(caller: Submitter, job_id: str) -> None:
        """Remove a job, finished or not, its findings, and the films that no other job needs."""
        parts.seen_by(caller).custody.forget(job_id, caller.actor)

    return api


async def _receive_files(request: Request, parts: Parts, idempotency_key: str | None) -> tuple[Job, Once | None]:
    settings = parts.settings
    with stage("receive"):
        spool = await receive(request, settings.max_request_bytes, settings.max_images_per_job)
    try:
        return await run_in_threadpool(_accepted, spool.uploads, parts, idempotency_key)
    finally:
        spool.close()


def _accepted(uploads: list[Upload], parts: Parts, idempotency_key: str | None) -> tuple[Job, Once | None]:
    once = Once.of_files(idempotency_key, uploads) if idempotency_key else None
    return accept(uploads, parts, once), once
