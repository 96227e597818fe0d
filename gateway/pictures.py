"""The HTTP API's pictures: the film, its heatmap, and both together."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from cxr.errors import BlobsUnavailable, ImageNotFound, ImageRejected, JobNotFound, LedgerUnavailable, ResultsNotReady
from gateway.auth import Reader
from gateway.films import Films, LastShown
from gateway.parts import Parts
from gateway.problems import documented

SOUGHT = JobNotFound, ImageNotFound, ImageRejected, LedgerUnavailable, BlobsUnavailable

Index = Annotated[int, Path(ge=0, description="The image's place in its job, from 0.")]
Opacity = Annotated[float, Query(ge=0, le=1, description="How strongly the heatmap covers the film.")]


class Png(Response):
    media_type = "image/png"


def pictures_api(parts: Parts) -> APIRouter:
    """The routes under ``/v1/jobs/{job_id}/images/{index}``; PNG, at most 1024 px on the longer side."""
    api = APIRouter(prefix="/v1/jobs/{job_id}/images/{index}", tags=["pictures"], default_response_class=Png)

    last = LastShown()

    def shown_to(caller: Reader, job_id: str, index: Index) -> Films:
        seen = parts.seen_by(caller)
        seen.custody.pictured(job_id, index, caller.actor)
        return Films(seen, last)

    @api.get(
        "/film.png",
        summary="The film alone",
        response_description="PNG of the film.",
        responses=documented(*SOUGHT, ResultsNotReady),
    )
    def film(caller: Reader, job_id: str, index: Index) -> Response:
        """The film as it was sent, in grey levels; also when it is not of a chest."""
        return Png(shown_to(caller, job_id, index).film(job_id, index))

    @api.get(
        "/heatmap.png",
        summary="The heatmap alone",
        response_description="PNG of the heatmap, of the film's size.",
        responses=documented(*SOUGHT, ResultsNotReady),
    )
    def heatmap(caller: Reader, job_id: str, index: Index) -> Response:
        """Transparent, warm where the film speaks for pneumonia. A refused image has none (its code)."""
        return Png(shown_to(caller, job_id, index).heatmap(job_id, index))

    @api.get(
        "/overlay.png",
        summary="The film under its heatmap",
        response_description="PNG of both.",
        responses=documented(*SOUGHT, ResultsNotReady),
    )
    def overlay(caller: Reader, job_id: str, index: Index, opacity: Opacity = 0.6) -> Response:
        """Warm where the film speaks for pneumonia. A refused image has none (its code)."""
        return Png(shown_to(caller, job_id, index).overlay(job_id, index, opacity))

    return api
