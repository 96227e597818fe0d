"""How an error leaves over HTTP: ``application/problem+json`` (RFC 9457), one table from error to status."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from cxr.errors import (
    AccessRefused,
    ContractBroken,
    CxrError,
    ImageNotFound,
    ImageRejected,
    InvalidCursor,
    JobNotFound,
    NotAcceptable,
    NotSignedIn,
    OtherInstallation,
    RequestRefused,
    RequestTooLarge,
    ResultsNotReady,
    SettingsRefused,
    TooBusy,
    TooManyImages,
    Unavailable,
    UnknownFormat,
    every_error,
)
from cxr.telemetry import logger
from cxr.telemetry.requests import REQUESTS_REFUSED

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5

# The closest class in the error's own line of descent decides.
STATUS: dict[type[CxrError], HTTPStatus] = {
    ImageRejected: HTTPStatus.UNPROCESSABLE_ENTITY,
    RequestRefused: HTTPStatus.UNPROCESSABLE_ENTITY,
    RequestTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooManyImages: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    JobNotFound: HTTPStatus.NOT_FOUND,
    ImageNotFound: HTTPStatus.NOT_FOUND,
    ResultsNotReady: HTTPStatus.CONFLICT,
    NotAcceptable: HTTPStatus.NOT_ACCEPTABLE,
    UnknownFormat: HTTPStatus.BAD_REQUEST,
    InvalidCursor: HTTPStatus.BAD_REQUEST,
    NotSignedIn: HTTPStatus.UNAUTHORIZED,
    AccessRefused: HTTPStatus.FORBIDDEN,
    TooBusy: HTTPStatus.TOO_MANY_REQUESTS,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    ContractBroken: HTTPStatus.BAD_GATEWAY,
    SettingsRefused: HTTPStatus.INTERNAL_SERVER_ERROR,  # it ends the process; no client hears it
    OtherInstallation: HTTPStatus.INTERNAL_SERVER_ERROR,  # said to the operator alone
    CxrError: HTTPStatus.INTERNAL_SERVER_ERROR,
}


class Problem(BaseModel):
    """What went wrong, for people (``title``, ``detail``) and for programs (``code``, ``retryable``)."""

    type: str = Field(description="A name for this kind of problem that never changes.")
    title: str = Field(description="One sentence, the same for every problem of this kind.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is particular to this occurrence.")
    code: str = Field(description="The error's code, one of those listed in the API's description.")
    retryable: bool = Field(description="Whether the same request may succeed later.")


_SECONDS = {"description": "Seconds until it is worth trying again.", "schema": {"type": "integer", "minimum": 0}}
_CHALLENGE = {"description": "How to authenticate (RFC 6750).", "schema": {"type": "string"}}
HEADERS = {
    HTTPStatus.TOO_MANY_REQUESTS: {"Retry-After": _SECONDS},
    HTTPStatus.SERVICE_UNAVAILABLE: {"Retry-After": _SECONDS},
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": _CHALLENGE},
}
PROBLEM_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
# What is refused of the request itself, before any of our code sees it: code, and the problem's title.
OF_THE_REQUEST = {
    HTTPStatus.UNPROCESSABLE_ENTITY: ("invalid_request", "The request is not valid."),
    HTTPStatus.NOT_FOUND: ("no_such_route", "Not Found."),
    HTTPStatus.METHOD_NOT_ALLOWED: ("method_not_allowed", "Method Not Allowed."),
}
INVALID: dict[str, Any] = {"description": "`invalid_request`: The request is not valid.", "content": PROBLEM_CONTENT}


def status_of(error: type[CxrError]) -> HTTPStatus:
    """The HTTP status of an error class."""
    return next(STATUS[ancestor] for ancestor in error.__mro__ if ancestor in STATUS)


def problem_of(error: CxrError) -> Problem:
    """Say a PneumoServe error as a problem."""
    return _problem(status_of(type(error)), error.code, error.sentence, str(error), error.retryable)


def problem_response(error: CxrError) -> Response:
    """Say a PneumoServe error as an HTTP answer, for what stands before FastAPI's own handlers too."""
    response = _response(problem_of(error), retry_after_s=error.retry_after_s if isinstance(error, TooBusy) else None)
    if isinstance(error, NotSignedIn):
        response.headers["WWW-Authenticate"] = 'Bearer realm="PneumoServe"'
    return response


def log_unavailable(error: CxrError) -> None:
    """Say in the log which part is away or refuses, and why: it is not the request's fault."""
    if isinstance(error, Unavailable):
        logger("gateway").warning("part_unavailable", code=error.code, detail=error.detail)


def documented(*errors: type[CxrError]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's ``responses`` for the errors a route may answer with, grouped by status, their codes listed."""
    by_status: dict[HTTPStatus, list[type[CxrError]]] = {}
    for error in errors:
        by_status.setdefault(status_of(error), []).append(error)
    return {int(status): _documented(status, found) for status, found in by_status.items()}


def _documented(status: HTTPStatus, errors: list[type[CxrError]]) -> dict[str, Any]:
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {error.code: {"value": problem_of(error()).model_dump()} for error in errors},
    }
    answer: dict[str, Any] = {
        "description": "\n\n".join(f"`{error.code}`: {error.sentence}" for error in errors),
        "content": {MEDIA_TYPE: content},
    }
    if status in HEADERS:
        answer["headers"] = HEADERS[status]
    return answer


def every_code() -> list[tuple[str, int, str]]:
    """Code, HTTP status and sentence of every problem there is."""
    ours = [(error.code, status_of(error).value, error.sentence) for error in every_error()]
    return [*ours, *((code, status.value, title) for status, (code, title) in OF_THE_REQUEST.items())]


def table_of_codes() -> str:
    """A Markdown table of all error codes, for the API's description."""
    rows = [f"| `{code}` | {status} | {sentence} |" for code, status, sentence in every_code()]
    return "\n".join(["| Code | Status | Meaning |", "|---|---|---|", *rows])


def answer_with_problems(app: FastAPI) -> None:
    """Make every error that leaves ``app`` a problem, FastAPI's own included."""

    @app.exception_handler(CxrError)
    async def _cxr(_: Request, error: CxrError) -> Response:
        REQUESTS_REFUSED.labels(error.code).inc()
        log_unavailable(error)
        return problem_response(error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> Response:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()
        )
        return _response(_invalid_request(faults))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        if status == HTTPStatus.BAD_REQUEST:  # FastAPI's word for a body that is no JSON
            return _response(_invalid_request("the body cannot be read"))
        code, title = OF_THE_REQUEST.get(status, (f"http_{status.value}", f"{status.phrase}."))
        response = _response(_problem(status, code, title, f"{request.method} {request.url.path}"))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def _unforeseen(_: Request, error: Exception) -> Response:
        logger("gateway").error("unforeseen_error", error=type(error).__name__)
        return _response(problem_of(CxrError()))


def _invalid_request(faults: str) -> Problem:
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return _problem(status, *OF_THE_REQUEST[status], faults)


def _problem(status: HTTPStatus, code: str, title: str, detail: str, retryable: bool = False) -> Problem:
    return Problem(
        type=f"urn:pneumoserve:problem:{code}",
        title=title,
        status=status,
        detail=detail,
        code=code,
        retryable=retryable,
    )


def _response(problem: Problem, retry_after_s: int | None = None) -> Response:
    if retry_after_s is None and problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        retry_after_s = RETRY_AFTER_S
    headers = {"Retry-After": str(retry_after_s)} if retry_after_s is not None else None
    return JSONResponse(problem.model_dump(), problem.status, headers, MEDIA_TYPE)
