"""What an attacker sends, one test for each kind of attack, and what they hear (OWASP's names in the comments).

Alice and bob have a key each; the gateway takes files of 200 kB and requests of 1 MB. Pages of other sites and guessed
passwords are in ``test_cross_site.py`` and ``test_sign_in.py``, files that hang or kill a decoder in ``test_boxes.py``.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from fastapi.testclient import TestClient

from cxr.errors import TooManyPixels, UnsupportedFormat
from cxr.imaging import Limits, preprocess
from cxr.settings import Settings
from deploy.local.settings import ROOT
from tests.dicom_syntaxes import deflated
from tests.files import dicom, png, png_header_of
from tests.gateway import served
from tests.guarded import access_file, key_of, visitor
from tests.zips import claiming_size, overlapping, zip_of, zip_with_link

FILE_BYTES, REQUEST_BYTES = 200_000, 1_000_000


@pytest.fixture
def keys(access_path: Path) -> dict[str, dict[str, str]]:
    """The header that each shows."""
    made = {name: key_of(name, name=name) for name in ("alice", "bob", "root")}
    made["root"] = key_of("root", ["admin"], "root")
    access_file(access_path, keys=[key for key, _ in made.values()])
    return {name: {"Authorization": f"Bearer {text}"} for name, (_, text) in made.items()}


@pytest.fixture
def client(guarded: Settings, tmp_path: Path) -> Iterator[TestClient]:
    small = {"max_file_bytes": FILE_BYTES, "max_request_bytes": REQUEST_BYTES, "blobs_dir": tmp_path / "blobs"}
    with visitor(guarded.model_copy(update=small)) as client:
        yield client


@pytest.fixture
def alice(client: TestClient, keys: dict[str, dict[str, str]]) -> Any:
    """Sends as alice."""

    def send(method: str, address: str, **words: Any) -> Any:
        return client.request(method, address, headers={**keys["alice"], **words.pop("headers", {})}, **words)

    return send


def sent(alice: Any, name: str, content: bytes, **headers: str) -> Any:
    return alice("POST", "/v1/jobs", files=[("files", (name, content))], headers=headers)


def codes(alice: Any, answer: Any) -> list[str | None]:
    """The code of each row of a job that was accepted; None for one that waits for a worker."""
    assert answer.status_code == 202, answer.text
    rows = alice("GET", f"{answer.headers['Location']}/results").json()["results"]
    return [(row["result"] or {}).get("code") for row in rows]


# -- path traversal


@pytest.mark.parametrize("name", ["../../escape.png", "/etc/cron.d/escape.png", "a/../../escape.png", "..\\escape.png"])
def test_a_name_in_an_archive_leads_nowhere(alice: Any, tmp_path: Path, name: str) -> None:
    answer = sent(alice, "films.zip", zip_of({name: png(), "good.png": png()}))
    assert codes(alice, answer) == ["unsafe_archive_entry", None]
    assert not list(tmp_path.rglob("escape*"))
    assert codes(alice, sent(alice, "films.zip", zip_with_link())) == ["unsafe_archive_entry"]


def test_the_name_of_a_file_is_a_label_and_no_place(alice: Any, tmp_path: Path) -> None:
    assert codes(alice, sent(alice, "../../../escape.png", png())) == [None]
    assert not list(tmp_path.rglob("escape*"))


@pytest.mark.parametrize("job", ["..%2F..%2Fetc%2Fpasswd", "%2e%2e", "x%00", "*", "cxr:job:x", "x%0d%0aX-Own: 1"])
def test_the_id_of_a_job_is_no_path_and_no_pattern(alice: Any, job: str) -> None:
    answer = alice("GET", f"/v1/jobs/{job}")
    assert (answer.status_code, answer.json()["code"] in ("job_not_found", "no_such_route")) == (404, True)
    assert "x-own" not in answer.headers


@pytest.mark.parametrize("address", ["file:///etc/passwd", "/etc/passwd", "http://169.254.169.254/latest", "s3://b/k"])
def test_an_address_leads_to_no_file_and_no_server_of_ours(alice: Any, address: str) -> None:
    """Server-side request forgery."""
    answer = alice("POST", "/v1/jobs", json={"addresses": [address]})
    assert answer.status_code == 422
    assert answer.json()["code"] in ("address_refused", "invalid_request")


# -- bombs, and too much


def test_a_zip_bomb_is_not_unpacked(alice: Any) -> None:
    """40 kB that unpack to 40 MB, a megabyte of little, a size that is a lie, and two entries of the same bytes."""
    bomb = zip_of({f"{number}.png": bytes(20_000_000) for number in range(2)})
    assert len(bomb) < REQUEST_BYTES / 10
    assert codes(alice, sent(alice, "films.zip", bomb)) == ["unsafe_archive_entry"] * 2
    mild = zip_of({"film.png": bytes(range(256)) * 4000})
    assert set(codes(alice, sent(alice, "films.zip", mild))) <= {"file_too_large", "unsafe_archive_entry"}
    liar = claiming_size(zip_of({"film.png": bytes(10_000_000)}), 1000)
    assert None not in codes(alice, sent(alice, "films.zip", liar))
    assert codes(alice, sent(alice, "films.zip", overlapping())) == ["unsafe_archive_entry"] * 2


def test_a_deflated_bomb_is_not_inflated(alice: Any, tmp_path: Path) -> None:
    """4 kB of DICOM that inflate to 4 MB."""
    bomb = deflated(dicom(np.zeros((2000, 2000), np.uint8)))
    assert len(bomb) < FILE_BYTES / 10
    assert codes(alice, sent(alice, "film.dcm", bomb)) == ["file_too_large"]
    assert codes(alice, sent(alice, "films.zip", zip_of({"film.dcm": bomb, "good.png": png()}))) == [
        "file_too_large",
        None,
    ]
    assert [path.stat().st_size for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == [len(png())]


def test_an_archive_in_an_archive_stays_packed(alice: Any) -> None:
    inner = zip_of({"film.png": png()})
    assert codes(alice, sent(alice, "films.zip", zip_of({"inner.zip": inner}))) == ["unsupported_format"]


@pytest.mark.parametrize(("width", "height"), [(10_000, 10_000), (1_000_000, 60), (65_000, 65_000)])
def test_a_decompression_bomb_is_not_decoded(width: int, height: int) -> None:
    """The worker reads the header first: a few hundred bytes that would be gigabytes of pixels."""
    with pytest.raises(TooManyPixels):
        preprocess(png_header_of(width, height), Limits())


def test_what_is_too_large_is_refused(alice: Any) -> None:
    assert codes(alice, sent(alice, "film.png", png() + bytes(FILE_BYTES))) == ["file_too_large"]
    answer = sent(alice, "film.png", bytes(REQUEST_BYTES + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")


# -- wrong content types


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/x"])
def test_a_body_of_another_type_is_refused(alice: Any, kind: str) -> None:
    answer = alice("POST", "/v1/jobs", content=b"<film/>", headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (422, "request_refused")


@pytest.mark.parametrize(
    "content", [b"<svg onload=alert(1)>", b"<?php system('id');", b"MZ\x90\x00", b"%PDF-1.7", b"\x7fELF"]
)
def test_a_file_is_what_it_is_and_not_what_it_is_called(content: bytes) -> None:
    """Unrestricted upload of dangerous files: the content alone counts, and nobody is shown the file."""
    with pytest.raises(UnsupportedFormat):
        preprocess(content * 99, Limits())


# -- headers


@pytest.mark.parametrize("value", [b"a\rX-Own: 1", b"a\0b", b"a\nX-Own: 1\r\nX Y: 2"])
def test_a_header_within_a_header_is_refused(guarded: Settings, tmp_path: Path, value: bytes) -> None:
    """Header injection on its way in: the server itself refuses the request, before anybody is asked."""
    with served(guarded.model_copy(update={"blobs_dir": tmp_path / "blobs"})) as (url, _):
        place = urlsplit(url)
        with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
            head = b"GET /v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: " + value + b"\r\n\r\n"
            connection.sendall(head)
            said = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"x-own" not in said.lower()


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "a\tb", "ä"])
def test_an_idempotency_key_that_could_be_more_is_refused(alice: Any, key: str) -> None:
    answer = sent(alice, "film.png", png(), **{"Idempotency-Key": key.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def test_no_header_is_made_of_what_was_sent(alice: Any) -> None:
    """Header injection, HTTP response splitting."""
    name = 'x"\r\nX-Own: 1\r\n\r\n<script>.png'
    answer = sent(alice, name, png(), **{"X-Forwarded-Host": "evil.example", "X-Original-URL": "/v1/model"})
    assert re.fullmatch(r"/v1/jobs/[\w-]+", answer.headers["location"])
    for query in ("", "?format=csv", "?format=dicom", "?format=ndjson"):
        found = alice("GET", f"{answer.headers['location']}/results{query}")
        assert "x-own" not in found.headers
        assert "evil" not in str(found.headers)
        assert "script" not in found.headers.get("content-disposition", "")


def test_a_cell_that_a_spreadsheet_would_run_is_text(alice: Any) -> None:
    """CSV injection."""
    answer = sent(alice, '=cmd|"calc"!A1.png', png())
    assert ",'=cmd" in alice("GET", f"{answer.headers['location']}/results?format=csv").text.replace('"', "")


# -- other people's jobs


def job_of_alice(alice: Any) -> str:
    answer = sent(alice, "film.png", png())
    assert answer.status_code == 202
    return str(answer.json()["id"])


def test_another_users_job_is_not_there_whatever_is_asked_of_it(
    client: TestClient, keys: dict[str, dict[str, str]], alice: Any
) -> None:
    """Broken object-level authorisation: every route that the API's own description says names a job."""
    job_id, asked = job_of_alice(alice), 0
    for path, operations in alice("GET", "/openapi.json").json()["paths"].items():
        if "{job_id}" not in path:
            continue
        for method, operation in operations.items():
            address = path.format(job_id=job_id, index=0)
            assert "{" not in address, f"{path} has a part that this test does not know"
            body = {"json": {"verdict": "agree"}} if "requestBody" in operation else {}
            answer = client.request(method.upper(), address, headers=keys["bob"], **body)  # type: ignore[arg-type]
            assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found"), f"{method} {path}"
            asked += 1
    assert asked >= 12
    assert alice("GET", f"/v1/jobs/{job_id}").json()["state"] == "queued", "bob changed it all the same"
    assert client.get("/v1/jobs", headers=keys["bob"]).json()["jobs"] == []
    assert client.get(f"/v1/jobs/{job_id}", headers=keys["root"]).status_code == 200


@pytest.mark.parametrize("part", ["images", "sent", "results", "attempts", "references", "feedback"])
def test_a_part_of_a_job_is_no_job_whoever_asks(
    client: TestClient, keys: dict[str, dict[str, str]], alice: Any, part: str
) -> None:
    """Its key is another kind of value in Redis: an error of the ledger's would tell that the job is there."""
    job_id = job_of_alice(alice)
    asked = [("GET", ""), ("GET", "/results"), ("GET", "/images/0/film.png"), ("POST", "/cancel"), ("DELETE", "")]
    for of in (job_id, "R-dCCR3AzempG5VaZqt-A0"):
        for method, after in asked:
            for who in ("alice", "bob", "root"):
                answer = client.request(method, f"/v1/jobs/{of}:{part}{after}", headers=keys[who])
                assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found"), f"{who} {method} {after}"
    assert alice("GET", f"/v1/jobs/{job_id}").json()["state"] == "queued"


def test_another_users_idempotency_key_is_not_theirs(
    client: TestClient, keys: dict[str, dict[str, str]], alice: Any
) -> None:
    """A key that was seen on its way shows nothing of the job that it made; replayed by its owner it makes no other."""
    key = {"Idempotency-Key": "the-same-key"}
    first = sent(alice, "film.png", png(), **key)
    assert sent(alice, "film.png", png(), **key).json()["id"] == first.json()["id"]
    replayed = sent(alice, "film.png", png()[:-9], **key)
    assert (replayed.status_code, replayed.json()["code"]) == (422, "idempotency_key_reused")
    films = [("files", ("film.png", png()))]
    of_bob = client.post("/v1/jobs", files=films, headers={**keys["bob"], **key})
    assert of_bob.status_code == 202
    assert of_bob.json()["id"] != first.json()["id"]


def test_an_owner_is_not_taken_from_the_request(
    client: TestClient, keys: dict[str, dict[str, str]], alice: Any
) -> None:
    """Mass assignment: words in headers, address and form that name somebody else."""
    job_id = job_of_alice(alice)
    words = {"X-Owner": "alice", "X-Forwarded-User": "alice"}
    assert client.get(f"/v1/jobs/{job_id}", headers={**keys["bob"], **words}).json()["code"] == "job_not_found"
    asked = client.get(f"/v1/jobs/{job_id}", headers=keys["bob"], params={"owner": "alice"})
    assert asked.json()["code"] == "invalid_request"


def test_two_keys_at_once_are_not_two_people(client: TestClient, keys: dict[str, dict[str, str]]) -> None:
    """A wrong key is refused, whatever else comes with it."""
    right = keys["bob"]["Authorization"].partition(" ")[2]
    wrong = {"Authorization": "Bearer cxr_000000000000.x", "X-API-Key": right, "Cookie": "cxr-session=x"}
    assert client.get("/v1/jobs", headers=wrong).json()["code"] == "invalid_key"


# -- what an answer tells


def test_no_answer_tells_how_the_server_is_made(alice: Any) -> None:
    for method, address in (("GET", "/v1/jobs/x"), ("PUT", "/v1/jobs"), ("GET", "/v1/nothing"), ("POST", "/v1/jobs")):
        answer = alice(method, address)
        assert {"server", "x-powered-by"}.isdisjoint(answer.headers)
        assert "Traceback" not in answer.text
        assert str(ROOT) not in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "XYZ"])
def test_other_methods_do_nothing(alice: Any, method: str) -> None:
    assert alice(method, "/v1/jobs").status_code in (404, 405)
