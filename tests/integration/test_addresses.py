"""Jobs from addresses: a real S3 over HTTP (moto's server), a folder, and what is missing there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import addressed, object_stores
from tests.files import dicom, png
from tests.gateway import Gateway
from tests.object_store import Bucket, ObjectServer

FILM = png()
OBJECTS = {
    "in/a.png": FILM,
    "in/b.dcm": dicom(),
    "in/a b ü.png": FILM + b"2",
    "in/large.png": FILM + bytes(200_000),
    "in/empty.png": b"",
    "out/secret.png": FILM + b"secret",
}


@pytest.fixture(scope="module")
def bucket(object_server: ObjectServer) -> Bucket:
    return object_server.bucket(OBJECTS)


@pytest.fixture
def films(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The prefix below which films may be named; the gateway's environment leads there."""
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    object_stores._bucket.cache_clear()
    yield f"s3://{bucket.name}/in/"
    object_stores._bucket.cache_clear()


def post(gateway: Gateway, *addresses: str, **headers: str) -> Any:
    return gateway.client.post("/v1/jobs", json={"addresses": list(addresses)}, headers=headers)


def test_films_are_fetched_in_order_and_what_is_missing_is_one_row(start: Callable[..., Gateway], films: str) -> None:
    gateway = start(address_prefixes=films, max_file_bytes=200_000)
    names = ["a.png", "missing.png", "b.dcm", "large.png", "a%20b%20%C3%BC.png", "empty.png"] + ["a.png"] * 20
    answer = post(gateway, *(f"{films}{name}" for name in names))
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json()['id']}"
    rows = gateway.rows(answer.json())
    assert [row["image"]["name"] for row in rows] == [f"{films}{name}" for name in names]
    codes = [row["result"] and row["result"]["code"] for row in rows[:6]]
    assert codes == [None, "object_not_found", None, "file_too_large", None, "empty_file"]
    assert gateway.parts.blobs.get(rows[0]["image"]["sha256"]) == FILM
    assert answer.json()["total"] == 26


@pytest.mark.parametrize(
    "address", ["{beside}out/secret.png", "s3://other/in/a.png", "http://127.0.0.1/in/a.png", "file:///etc/passwd"]
)
def test_an_address_beside_the_prefixes_refuses_the_request(
    start: Callable[..., Gateway], films: str, address: str
) -> None:
    gateway = start(address_prefixes=films)
    answer = post(gateway, f"{films}a.png", address.format(beside=films.removesuffix("in/")))
    assert (answer.status_code, answer.json()["code"]) == (422, "address_refused")
    assert gateway.parts.jobs.recent() == []
    assert gateway.stored() == 0


def test_without_prefixes_no_address_is_taken(gateway: Gateway) -> None:
    assert post(gateway, "s3://films/in/a.png").json()["code"] == "address_refused"


def test_sent_again_it_is_the_same_job(start: Callable[..., Gateway], films: str) -> None:
    gateway = start(address_prefixes=films)
    first, again = (post(gateway, f"{films}a.png", **{"Idempotency-Key": "once"}) for _ in range(2))
    assert first.json() == again.json()
    other = post(gateway, f"{films}b.dcm", **{"Idempotency-Key": "once"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(gateway.parts.jobs.recent()) == 1


def test_a_store_that_is_away_is_a_503_and_leaves_nothing(
    start: Callable[..., Gateway], films: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("cxr.s3.MOST_RETRIES", 0)
    gateway = start(address_prefixes=films)
    answer = post(gateway, f"{films}a.png")
    assert (answer.status_code, answer.json()["code"]) == (503, "object_store_unavailable")
    assert answer.headers["Retry-After"]
    assert gateway.parts.jobs.recent() == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "request_refused"),
        (b"{", "request_refused"),
        (b'["s3://films/in/a.png"]', "request_refused"),
        (b'{"addresses": "s3://films/in/a.png"}', "request_refused"),
        (b'{"addresses": [1]}', "request_refused"),
        (b'{"addresses": ["s3://films/in/a.png"], "endpoint": "http://evil"}', "request_refused"),
        (b'{"addresses": []}', "no_images"),
        (b'{"addresses": ["a", "b", "c"]}', "too_many_images"),
        (b'{"addresses": ["' + b"x" * 1000 + b'"]}', "request_too_large"),
    ],
)
def test_a_body_that_is_no_list_of_addresses_is_refused(
    start: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch, body: bytes, code: str
) -> None:
    monkeypatch.setattr(addressed, "MAX_BODY_BYTES", 500)
    gateway = start(address_prefixes="s3://films/in/", max_images_per_job=2)
    answer = gateway.client.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["code"] == code
    assert 400 <= answer.status_code < 500


def test_films_of_a_folder(start: Callable[..., Gateway], tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "a.png").write_bytes(FILM)
    gateway = start(address_prefixes=f"file://{tmp_path}/films/")
    job = post(gateway, f"file://{tmp_path}/films/a.png", f"file://{tmp_path}/films/b.png").json()
    codes = [row["result"] and row["result"]["code"] for row in gateway.rows(job)]
    assert codes == [None, "object_not_found"]
