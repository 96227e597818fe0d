"""The OpenAPI document: valid, whole, and good enough to generate a client from."""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from cxr.errors import every_error
from cxr.jobs import Feedback
from cxr.schemas import Job, JobResult
from cxr.settings import Settings
from gateway.api import JobsPage
from gateway.api_results import Results
from gateway.description import READS
from gateway.http_app import http_app
from gateway.parts import Parts
from gateway.problems import status_of

Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    parts = Parts.of(Settings(redis_url="redis://127.0.0.1:1/0", triton_url="127.0.0.1:1"))
    found: dict[str, Any] = http_app(parts).openapi()
    parts.close()
    return found


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_it_is_valid(document: dict[str, Any]) -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    assert document["openapi"].startswith("3.1")


def test_every_call_has_a_name_that_a_client_can_have(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in names)


def test_every_call_has_a_tag_a_summary_and_described_parameters(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    for method, path, operation in operations(document):
        assert operation["summary"], path
        assert set(operation["tags"]) <= tags, f"{method} {path}"
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), f"{path}: {parameter['name']}"


def test_every_field_of_jobs_rows_and_feedback_is_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("Job", "JobsPage", "JobImage", "Results", "Opinion", "Feedback"):
        for field, schema in schemas[name]["properties"].items():
            assert "description" in schema or field in ("id", "job_id"), f"{name}.{field}"


def test_every_call_of_the_api_says_that_a_request_may_be_invalid(document: dict[str, Any]) -> None:
    for _, path, operation in operations(document):
        said = operation["responses"].get("422", {"description": ""})["description"]
        assert said.count("`invalid_request`") == path.startswith("/v1/"), path


def test_every_call_of_the_api_says_how_access_is_refused(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        if not path.startswith("/v1/"):
            continue
        assert operation["security"] == [{"bearer": []}, {"header": []}, {}]
        responses = operation["responses"]
        assert "`not_signed_in`" in responses["401"]["description"]
        assert "WWW-Authenticate" in responses["401"]["headers"]
        assert "`scope_missing`" in responses["403"]["description"]
        assert ("`cross_site`" in responses["403"]["description"]) is (method not in READS)
        assert "`rate_exceeded`" in responses["429"]["description"]


def test_every_refusal_has_an_example_of_each_of_its_codes(document: dict[str, Any]) -> None:
    statuses = {error.code: status_of(error) for error in every_error()}
    for method, path, operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) < 400:
                continue
            content = answer["content"]["application/problem+json"]
            named = {line.split("`")[1] for line in answer["description"].split("\n\n")} - {"invalid_request"}
            assert set(content.get("examples", {})) == named, f"{method} {path} {status}"
            for code, example in content.get("examples", {}).items():
                assert example["value"]["code"] == code
                assert statuses[code] == int(status)
            assert ("Retry-After" in answer.get("headers", {})) is (status in ("429", "503"))


@pytest.mark.parametrize("model", [Job, JobsPage, JobResult, Results, Feedback])
def test_every_example_is_one(document: dict[str, Any], model: type[BaseModel]) -> None:
    examples = document["components"]["schemas"][model.__name__]["examples"]
    assert examples
    for example in examples:
        assert model.model_validate(example).model_dump(mode="json") == example


def test_where_keys_are_asked_for_they_are_not_optional(tmp_path: Any) -> None:
    settings = Settings(
        redis_url="redis://127.0.0.1:1/0", triton_url="127.0.0.1:1", access_file=tmp_path / "access.json"
    )
    parts = Parts.of(settings)
    document = http_app(parts).openapi()
    parts.close()
    for _, path, operation in operations(document):
        if path.startswith("/v1/"):
            assert {} not in operation["security"]
