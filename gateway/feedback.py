"""What a reader says of a finding: taken in, and shown again."""

from __future__ import annotations

from fastapi import APIRouter, status
from pydantic import Field

from cxr.errors import ImageNotFound, JobNotFound, LedgerUnavailable, ResultsNotReady
from cxr.jobs import Feedback, Opinion
from cxr.schemas import Frozen
from gateway.auth import Reader
from gateway.parts import Parts
from gateway.pictures import Index
from gateway.problems import documented

SOUGHT = JobNotFound, ImageNotFound, LedgerUnavailable


class Said(Frozen):
    """An opinion, and the film it is of."""

    job: str
    film: int = Field(ge=0)
    opinion: Opinion


def feedback_api(parts: Parts) -> APIRouter:
    """The routes under ``/v1/jobs/{job_id}/images/{index}/feedback``."""
    api = APIRouter(prefix="/v1/jobs/{job_id}/images/{index}/feedback", tags=["feedback"])

    @api.post(
        "",
        status_code=status.HTTP_201_CREATED,
        summary="Agree or disagree with a finding",
        response_description="What is kept of it.",
        responses=documented(*SOUGHT, ResultsNotReady),
    )
    def say(caller: Reader, job_id: str, index: Index, opinion: Opinion) -> Feedback:
        """Say whether you share the answer, and why. It is kept for good, beside the film's SHA-256: no patient names.

        Saying it again adds an entry; the last one counts.
        """
        return give_feedback(parts.seen_by(caller), job_id, index, opinion)

    @api.get(
        "",
        summary="What readers said of a finding",
        response_description="Every opinion, oldest first.",
        responses=documented(*SOUGHT),
    )
    def said(caller: Reader, job_id: str, index: Index) -> list[Feedback]:
        """Oldest first. Entries leave this list with their job; what they teach stays in the training manifest."""
        seen = parts.seen_by(caller)
        seen.jobs.result(job_id, index)
        seen.custody.read(job_id, caller.actor)
        return seen.feedback.of_image(job_id, index)

    return api


def give_feedback(parts: Parts, job_id: str, index: int, opinion: Opinion) -> Feedback:
    """The one way in for page and API alike. Raises ``JobNotFound``, ``ImageNotFound``, ``ResultsNotReady``."""
    row = parts.jobs.result(job_id, index)
    if row.result is None:
        raise ResultsNotReady(f"image {index}")
    parts.audit.add(parts.caller.actor, "feedback", job_id, about=f"image {index}")
    return parts.feedback.add(job_id, row, parts.caller.actor, opinion)
