"""The HTTP side of the gateway: the API and the probes as one application, without the page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata

from fastapi import Depends, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.routing import Match

from gateway.access.entry import GuardedEntry
from gateway.access.sign_in import sign_in_routes
from gateway.api import jobs_api
from gateway.api_events import events_api
from gateway.api_results import results_api
from gateway.description import HttpApp, described
from gateway.dicom.api import dicom_api
from gateway.dicom.results import DicomResults
from gateway.feedback import feedback_api
from gateway.gatekeeper import Gatekeeper
from gateway.health import health_api
from gateway.http_edge import HttpEdge
from gateway.http_headers import let_other_sites_in
from gateway.observed import Observed
from gateway.parts import Parts
from gateway.pictures import pictures_api
from gateway.problems import answer_with_problems
from gateway.queries import refuse_unknown_query
from gateway.reference import reference


def http_app(parts: Parts) -> FastAPI:
    """Build the API; it connects to Redis and Triton when a request needs them, and closes ``parts`` at its end."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        parts.close()

    app = HttpApp(
        version=_version(),
        docs_url=None,  # FastAPI's own pages load their scripts from a CDN
        redoc_url=None,
        lifespan=lifespan,
        **described(),
    )
    app.guarded = isinstance(parts.entry, GuardedEntry)
    apis = (health_api, jobs_api, results_api, events_api, pictures_api, feedback_api)
    for router in (*(api(parts) for api in apis), dicom_api(DicomResults.by(parts))):
        app.include_router(router, dependencies=[Depends(refuse_unknown_query)])
    if isinstance(parts.entry, GuardedEntry):
        app.include_router(sign_in_routes(parts.entry))
    _refuse_unknown_v1_routes(app)
    app.include_router(reference(app))
    answer_with_problems(app)
    app.add_middleware(Gatekeeper, entry=parts.entry)
    app.add_middleware(HttpEdge)
    if parts.settings.allowed_origins:
        let_other_sites_in(app, parts.settings.allowed_origins)
    app.add_middleware(Observed)
    return app


def _refuse_unknown_v1_routes(app: FastAPI) -> None:
    """Without this the page, mounted at the root, would answer for routes that the API does not have."""
    known = list(app.routes)

    @app.api_route("/v1/{_:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], include_in_schema=False)
    async def no_such_route(request: Request) -> None:
        partly = any(route.matches(request.scope)[0] is Match.PARTIAL for route in known)
        raise HTTPException(405 if partly else 404)


def _version() -> str:
    try:
        return metadata.version("pneumoserve")
    except metadata.PackageNotFoundError:
        return "dev"
