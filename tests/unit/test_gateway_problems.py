"""Every error has an HTTP status of its own choosing, and every answer that is not a success is a problem."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from cxr.errors import CxrError, Unavailable, every_error
from cxr.jobs import ledger
from cxr.settings import Settings
from gateway.http_app import http_app
from gateway.parts import Parts
from gateway.problems import STATUS, every_code, problem_of, status_of, table_of_codes

JOB = "R-dCCR3AzempG5VaZqt-A0"


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """The API of a gateway whose Redis and Triton are away, and which does not call again for seconds."""
    nowhere = Settings(redis_url="redis://127.0.0.1:1/0", triton_url="127.0.0.1:1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "ATTEMPTS_AGAIN", 0)
        parts = Parts.of(nowhere)
    with TestClient(http_app(parts), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("error", [error for error in every_error() if error is not CxrError])
def test_every_error_is_translated(error: type[CxrError]) -> None:
    mapped = next((ancestor for ancestor in error.__mro__ if ancestor in STATUS), None)
    assert mapped not in (None, CxrError), f"{error.__name__} has no HTTP status of its own"
    problem = problem_of(error("detail"))
    assert (problem.code, problem.title, problem.retryable) == (error.code, error.sentence, error.retryable)
    assert problem.type.endswith(error.code)
    assert "detail" in problem.detail
    assert 400 <= problem.status < 600


@pytest.mark.parametrize("error", list(every_error()))
def test_only_what_is_away_says_503(error: type[CxrError]) -> None:
    assert (status_of(error) == 503) is issubclass(error, Unavailable)


def test_every_code_is_documented_in_the_description(client: TestClient) -> None:
    description = client.get("/openapi.json").json()["info"]["description"]
    assert table_of_codes() in description
    assert all(f"`{error.code}`" in description for error in every_error())


def test_every_route_documents_its_problems(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/jobs", "/v1/jobs/{job_id}", "/v1/jobs/{job_id}/results", "/healthz", "/readyz", "/v1/model"} <= set(
        paths
    )
    for path, operations in paths.items():
        for method, operation in operations.items():
            refusals = {code: answer for code, answer in operation["responses"].items() if int(code) >= 400}
            assert refusals or path == "/healthz", f"{method} {path}"
            for answer in refusals.values():
                assert list(answer["content"]) == ["application/problem+json"]
                assert "`" in answer["description"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "no_such_route"),
        ("PUT", "/v1/jobs", 405, "method_not_allowed"),
        ("POST", "/v1/jobs", 422, "request_refused"),
        ("GET", "/v1/jobs/x/results?limit=0", 422, "invalid_request"),
        ("GET", "/v1/jobs/x/results?formt=csv", 422, "invalid_request"),
        ("GET", "/v1/jobs/x?limit=1", 422, "invalid_request"),
        ("GET", "/v1/model?x=", 422, "invalid_request"),
        ("GET", "/v1/nothing?x=", 404, "no_such_route"),
        ("GET", "/v1/jobs/x/images/one/film.png", 422, "invalid_request"),
        ("GET", "/v1/jobs/x/images/0/overlay.png?opacity=2", 422, "invalid_request"),
        ("GET", "/v1/jobs/x", 404, "job_not_found"),
        ("DELETE", f"/v1/jobs/{JOB}:results", 404, "job_not_found"),
        ("GET", f"/v1/jobs/{JOB}", 503, "ledger_unavailable"),
        ("GET", f"/v1/jobs/{JOB}/results?format=csv", 503, "ledger_unavailable"),
        ("GET", "/v1/model", 503, "model_unavailable"),
        ("GET", "/readyz", 503, "unavailable"),
    ],
)
def test_every_refusal_is_a_problem(client: TestClient, method: str, path: str, status: int, code: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == code
    assert set(problem) == {"type", "title", "status", "detail", "code", "retryable"}
    assert ("retry-after" in answer.headers) is (status == 503)


def test_a_misspelt_parameter_is_told_what_there_is(client: TestClient) -> None:
    assert "formt: no such parameter; there is format, limit, offset" in client.get("/v1/jobs/x/results?formt=").text


def test_the_description_is_also_a_page_without_scripts(client: TestClient) -> None:
    page = client.get("/docs").text
    assert "<script" not in page
    for path in client.get("/openapi.json").json()["paths"]:
        assert path in page
    assert {"no_such_route", "method_not_allowed", "invalid_request"} <= {code for code, _, _ in every_code()}
    for code, _, _ in every_code():
        assert f"<code>{code}</code>" in page


def test_the_page_shows_what_is_sent_and_what_comes_back(client: TestClient) -> None:
    page = client.get("/docs").text
    sections = {section.partition("</h3>")[0]: section for section in page.split("<section")}
    submit, feedback = (
        next(section for head, section in sections.items() if head.endswith(f"<b>POST</b> {path}"))
        for path in ("/v1/jobs", "/v1/jobs/{job_id}/images/{index}/feedback")
    )
    assert "<code>files</code></td><td>list of file, required" in submit
    assert "<code>addresses</code>" in submit
    assert "<code>invalid_request</code>" in submit
    assert 'application/json: <a href="#Job">Job</a>' in submit
    for word in ("verdict", "agree", "disagree", "sees", "reason"):
        assert f"<code>{word}</code>" in feedback
    links = set(re.findall(r'href="#(\w+)"', page))
    assert {"Job", "Results", "JobResult", "Prediction", "Rejection", "Feedback"} <= links
    assert links <= set(re.findall(r'id="(\w+)"', page))
    assert "Successful Response" not in page


def test_readiness_names_what_is_away(client: TestClient) -> None:
    assert "ledger (ConnectionError), model" in client.get("/readyz").json()["detail"]


def test_an_alive_process_says_so_with_everything_else_away(client: TestClient) -> None:
    answer = client.get("/healthz")
    assert answer.json() == {"status": "alive"}
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
