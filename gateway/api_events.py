"""The HTTP API's progress of a job as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Response, status
from fastapi.concurrency import run_in_threadpool
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.types import Receive, Scope, Send

from cxr.errors import JobNotFound, LedgerUnavailable, TooManyFollowers
from gateway.auth import Reader
from gateway.following import Seats, event_id, told
from gateway.parts import Parts
from gateway.problems import documented

HEARTBEAT_S = 15
LastEventId = Annotated[str, Header(max_length=100, description="The `id` of the last event heard.")]


class _Followed(EventSourceResponse):
    """Gives its seat back when the follower leaves, even before the first event."""

    def __init__(self, events: AsyncIterator[ServerSentEvent], seats: Seats, owner: str) -> None:
        super().__init__(events, ping=HEARTBEAT_S, sep="\n")
        self._seats, self._owner = seats, owner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._seats.left_after(self._owner):
            await super().__call__(scope, receive, send)


def events_api(parts: Parts) -> APIRouter:
    """The route ``/v1/jobs/{job_id}/events``."""
    api = APIRouter(prefix="/v1/jobs/{job_id}/events", tags=["jobs"])
    seats = Seats(parts.settings.max_followers, parts.settings.max_owner_followers)

    @api.get(
        "",
        summary="Follow a job",
        response_description="Events, until the job is final.",
        response_class=Response,
        responses={
            200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}},
            204: {"description": "The job is final, and `Last-Event-ID` says that you heard so: do not come back."},
            **documented(JobNotFound, TooManyFollowers, LedgerUnavailable),
        },
    )
    async def events(caller: Reader, job_id: str, last_event_id: LastEventId = "") -> Response:
        """Server-sent events, `EventSource` in browsers: `progress` at each change, at last `done` or `cancelled`.

        The data of each is the job as `GET /v1/jobs/{job_id}` shows it. A follower whose connection broke comes back
        with `Last-Event-ID` and is told what is new. Without news a comment comes every 15 seconds.
        """
        jobs = parts.seen_by(caller).jobs
        job = await run_in_threadpool(jobs.job, job_id)
        if job.state.final and event_id(job) == last_event_id:
            return Response(status_code=status.HTTP_204_NO_CONTENT)
        seats.take(caller.owner)
        return _Followed(told(jobs, job_id, last_event_id), seats, caller.owner)

    return api
