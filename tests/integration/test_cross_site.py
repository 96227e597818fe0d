"""Pages of other sites change nothing: not with a visitor's session, and not on a gateway that asks for no keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from cxr.jobs import Ledger
from cxr.settings import Settings
from tests.files import png
from tests.guarded import HERE, access_file, key_of, password_of, signs_in, visitor

FILM = {"files": [("files", ("film.png", png()))]}

ELSEWHERE = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:7861"},
    {"Origin": "http://127.0.0.1:7860.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": HERE},
]
OURS = [{"Origin": HERE}, {"Sec-Fetch-Site": "same-origin", "Origin": HERE}, {"Sec-Fetch-Site": "none"}]
ROUTES = [("POST", "/v1/jobs"), ("DELETE", "/v1/jobs/x"), ("POST", "/v1/jobs/x/cancel"), ("POST", "/gradio_api/upload")]


@pytest.mark.parametrize(("method", "address"), ROUTES)
def test_a_session_is_not_used_by_other_sites(browser: TestClient, method: str, address: str) -> None:
    signs_in(browser)
    for headers in (*ELSEWHERE, {}):
        answer = browser.request(method, address, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site"), headers
    for headers in OURS:
        assert browser.request(method, address, headers=headers).status_code not in (401, 403), headers


def test_signing_in_and_out_is_not_done_by_other_sites(browser: TestClient) -> None:
    signs_in(browser)
    for headers in ELSEWHERE:
        form = {"name": "bob", "password": password_of("bob")}
        assert browser.post("/sign-in", data=form, headers=headers).json()["code"] == "cross_site"
        assert browser.post("/sign-out", headers=headers).json()["code"] == "cross_site"
    assert browser.get("/v1/jobs").status_code == 200


def test_a_key_comes_from_anywhere(browser: TestClient, access_path: Path) -> None:
    """No browser adds a key by itself."""
    made, text = key_of("alice")
    access_file(access_path, keys=[made])
    for headers in (*ELSEWHERE, {}):
        assert browser.post("/v1/jobs", headers={"X-API-Key": text, **headers}, **FILM).status_code == 202


def test_an_open_gateway_is_not_used_by_other_sites(ledger: Ledger, settings: Settings) -> None:
    with visitor(settings) as client:
        for headers in ELSEWHERE:
            assert client.post("/v1/jobs", headers=headers, **FILM).json()["code"] == "cross_site"
        for headers in (*OURS, {}):
            assert client.post("/v1/jobs", headers=headers, **FILM).status_code == 202


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("127.0.0.1:7860", 200),
        ("localhost:7860", 200),
        ("[::1]:7860", 200),
        ("films.localhost", 200),
        ("rebound.evil.example", 403),
        ("127.0.0.1.evil.example:7860", 403),
        ("[127.0.0.1", 403),
    ],
)
def test_an_open_gateway_has_no_name_that_can_be_bought(
    ledger: Ledger, settings: Settings, name: str, status: int
) -> None:
    with visitor(settings) as client:
        assert client.get("/v1/jobs", headers={"Host": name}).status_code == status
