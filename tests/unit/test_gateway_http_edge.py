"""What the access log says, and never says."""

from __future__ import annotations

import asyncio

import pytest
import structlog
from starlette.types import Message, Receive, Scope, Send

from gateway.http_edge import HttpEdge

GIVEN = [
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"public, max-age=300"),
    (b"access-control-allow-origin", b"https://evil.example"),
    (b"access-control-allow-credentials", b"true"),
]


def request(path: str, status: int = 200, scheme: str = "http") -> tuple[list[dict[str, object]], dict[bytes, bytes]]:
    """The log's events and the answer's headers of one request that an application answers with ``status``."""
    sent: list[Message] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": GIVEN})
        await send({"type": "http.response.body", "body": b""})

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"name=secret.png", "scheme": scheme}
    with structlog.testing.capture_logs() as events:
        asyncio.run(HttpEdge(application)(scope, receive, send))
    return [dict(event) for event in events], dict(sent[0]["headers"])


def test_a_request_is_logged_once_with_its_path_status_and_time() -> None:
    (event,), _ = request("/v1/jobs/abc", 404)
    assert {key: event[key] for key in ("method", "path", "status")} == {
        "method": "GET",
        "path": "/v1/jobs/abc",
        "status": 404,
    }
    assert isinstance(event["took_ms"], float)


@pytest.mark.parametrize("path", ["/gradio_api/file=/tmp/x/secret.png", "/healthz", "/readyz", "/"])
def test_probes_and_the_page_are_not_logged(path: str) -> None:
    assert request(path)[0] == []


def test_a_fault_of_the_page_is_logged_without_its_path() -> None:
    (event,), _ = request("/gradio_api/file=/tmp/x/secret.png", 500)
    assert event["path"] == "page"


@pytest.mark.parametrize("path", ["/v1/jobs", "/gradio_api/file=/tmp/x/secret.png"])
@pytest.mark.parametrize("status", [200, 500])
def test_no_file_name_is_ever_logged(path: str, status: int) -> None:
    assert "secret" not in str(request(path, status)[0])


def test_headers_are_added_and_those_of_the_application_kept() -> None:
    _, headers = request("/")
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert b"default-src 'self'" in headers[b"content-security-policy"]


@pytest.mark.parametrize(
    ("path", "caching"),
    [
        ("/", b"no-store"),
        ("/v1/jobs/x/images/0/film.png", b"no-store"),
        ("/gradio_api/file=/tmp/x/film.png", b"no-store"),
        ("/gradio_api/queue/data", b"no-store"),
        ("/assets/index.js", b"public, max-age=300"),
    ],
)
def test_nothing_about_a_patient_stays_in_a_cache(path: str, caching: bytes) -> None:
    assert request(path)[1][b"cache-control"] == caching


def test_no_other_site_may_read_what_gradio_lets_it_read() -> None:
    assert not [name for name in request("/gradio_api/info")[1] if name.startswith(b"access-control")]


def test_over_tls_browsers_are_told_to_stay_there() -> None:
    assert b"max-age=" in request("/", scheme="https")[1][b"strict-transport-security"]
    assert b"strict-transport-security" not in request("/")[1]
