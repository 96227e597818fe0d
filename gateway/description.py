"""The OpenAPI description: what FastAPI writes of the routes, made whole with access, refusals and examples."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from cxr.errors import CrossSite, InvalidKey, NotChestXray, NotSignedIn, RateExceeded, ScopeMissing
from cxr.jobs import Feedback, Seen, Verdict
from cxr.schemas import (
    Finding,
    Job,
    JobImage,
    JobResult,
    JobState,
    ModelIdentity,
    Prediction,
    QueueName,
    Rejection,
)
from gateway.problems import INVALID, Problem, documented, table_of_codes

SUMMARY = """
Chest X-rays in, findings out: calibrated, explained, able to refuse.
**Research and demonstration; not a medical device.**

Submit films with `POST /v1/jobs`, follow `GET /v1/jobs/{job_id}` until its state is `done`, then read
`GET /v1/jobs/{job_id}/results`. Every error is `application/problem+json` with one of these codes; those that speak of
one image are also the codes of its row.

"""
TAGS = [
    {"name": "jobs", "description": "Films come in, are followed, and end as findings."},
    {"name": "pictures", "description": "One image of a job: the film, its heatmap, both."},
    {"name": "DICOM", "description": "Findings that go back to where the film came from."},
    {"name": "feedback", "description": "What a reader says of a finding."},
    {"name": "health", "description": "Probes, and the model that answers now."},
]
KEYS: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Your API key (RFC 6750)."},
    "header": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "The same, as many clients send it.",
    },
}
BYTES = ("image/png", "application/dicom", "application/zip")
READS = ("get", "head")

_MODEL = ModelIdentity(name="pneumonia_classifier", version=1, engine="openvino")
_JOB = Job(
    id="3q2-7wEjRWe8kQpFJ3kY1g",
    state=JobState.DONE,
    queue=QueueName.INTERACTIVE,
    total=2,
    answered=2,
    created_at=datetime(2026, 11, 25, 8, 0, tzinfo=UTC),
    finished_at=datetime(2026, 11, 25, 8, 0, 1, tzinfo=UTC),
)
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_JUDGED = Prediction(
    finding=Finding.PNEUMONIA,
    probability=0.97,
    ood_score=0.41,
    heatmap=[[0.1, 1.2], [0.3, 1.9]],
    model=_MODEL,
)


def _image(name: str, sha256: str, size_bytes: int) -> JobImage:
    sent = {"sent_sha256": sha256, "sent_size_bytes": size_bytes}
    return JobImage(name=name, sha256=sha256, size_bytes=size_bytes, **sent)


_ROWS = [
    JobResult(index=0, image=_image("film.jpeg", _SHA256, 51_234), result=_JUDGED),
    JobResult(
        index=1,
        image=_image("cat.jpeg", _SHA256[::-1], 20_480),
        result=Rejection.of(NotChestXray(), ood_score=9.7, model=_MODEL),
    ),
]
_FEEDBACK = Feedback(
    at=datetime(2026, 11, 25, 8, 5, tzinfo=UTC),
    job_id=_JOB.id,
    index=0,
    sha256=_SHA256,
    reader="radiology/alice",
    verdict=Verdict.DISAGREE,
    sees=Seen.NO_PNEUMONIA,
    reason="thymus",
    answer=Finding.PNEUMONIA.value,
    probability=0.97,
    model=_MODEL,
)
EXAMPLES: dict[str, BaseModel] = {"Job": _JOB, "JobResult": _ROWS[0], "Feedback": _FEEDBACK}


class HttpApp(FastAPI):
    """FastAPI whose description says all: every refusal is a problem, FastAPI's own validation included."""

    guarded = False

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = _completed(super().openapi(), self.guarded)
        return self.openapi_schema


def operation_id(route: APIRoute) -> str:
    """The name that a generated client gives to the call: the route's own."""
    return route.name


def described() -> dict[str, Any]:
    """What ``FastAPI`` is told about the API as a whole."""
    return {
        "title": "PneumoServe",
        "description": SUMMARY + table_of_codes(),
        "openapi_tags": TAGS,
        "license_info": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        "generate_unique_id_function": operation_id,
    }


def _completed(schema: dict[str, Any], guarded: bool) -> dict[str, Any]:
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example.model_dump(mode="json")]
    schemas["JobsPage"]["examples"] = [{"jobs": [_dumped(_JOB)], "next_cursor": None}]
    rows = [_dumped(row) for row in _ROWS]
    schemas["Results"]["examples"] = [{"job": _dumped(_JOB), "offset": 0, "results": rows, "next_offset": None}]
    components["securitySchemes"] = KEYS
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            _describe_parts(operation)
            if path.startswith("/v1/"):
                _add_invalid(operation["responses"])
                _add_access(operation, method, guarded)
    return schema


def _dumped(value: BaseModel) -> dict[str, Any]:
    return value.model_dump(mode="json")


def _describe_parts(operation: dict[str, Any]) -> None:
    """The job's id, which every route has and none describes, and that pictures and archives are bytes, not text."""
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == "job_id":
            parameter["description"] = "The job's `id`, as the answer to its submission has it."
    for answer in operation["responses"].values():
        for media_type, content in answer.get("content", {}).items():
            if media_type in BYTES:
                content["schema"] = {"type": "string", "format": "binary"}


def _add_invalid(responses: dict[str, Any]) -> None:
    """FastAPI's own refusal of a request as a problem, beside what a route refuses for reasons of its own."""
    ours = responses.get("422")
    if ours is None or "application/json" in ours["content"]:
        responses["422"] = INVALID
    else:
        ours["description"] = "\n\n".join([ours["description"], INVALID["description"]])


def _add_access(operation: dict[str, Any], method: str, guarded: bool) -> None:
    """What the gatekeeper answers before a route is reached. Where no keys are asked for, they are optional."""
    operation["security"] = [{name: []} for name in KEYS] + ([] if guarded else [{}])
    refusals = [NotSignedIn, InvalidKey, ScopeMissing, RateExceeded, *([] if method in READS else [CrossSite])]
    for status, answer in documented(*refusals).items():
        known = operation["responses"].setdefault(str(status), answer)
        if known is not answer:
            told = known["description"].split("\n\n")
            added = [line for line in answer["description"].split("\n\n") if line not in told]
            known["description"] = "\n\n".join([*told, *added])
            content, more = (next(iter(each["content"].values())) for each in (known, answer))
            content["examples"] = {**content.get("examples", {}), **more["examples"]}
    operation["responses"] = dict(sorted(operation["responses"].items()))
