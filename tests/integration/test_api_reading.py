"""Reading through the API: the list of jobs page by page, findings in every format, and how a stream fails."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from fhir.resources.R4B.bundle import Bundle

from cxr.errors import EmptyFile, LedgerUnavailable
from cxr.jobs import JobStore
from cxr.schemas import JobImage, QueueName, Rejection
from gateway.negotiation import ResultsFormat
from gateway.streams import BLOCK_CHARACTERS, ndjson_lines, stream
from tests.files import dicom, png
from tests.gateway import JUDGED, Gateway

FILM = png()


def listed(gateway: Gateway, **query: Any) -> tuple[list[str], str | None]:
    page = gateway.client.get("/v1/jobs", params=query).raise_for_status().json()
    return [job["id"] for job in page["jobs"]], page["next_cursor"]


def test_jobs_come_newest_first_page_by_page_whatever_happens_meanwhile(gateway: Gateway) -> None:
    ids = [gateway.submit([("a.png", FILM)])["id"] for _ in range(7)]
    first, cursor = listed(gateway, limit=3)
    assert first == ids[:3:-1]
    gateway.submit([("new.png", FILM)])
    gateway.client.delete(f"/v1/jobs/{ids[4]}")  # the one that the cursor names
    second, cursor = listed(gateway, limit=3, cursor=cursor)
    assert second == ids[3:0:-1]
    last, cursor = listed(gateway, limit=3, cursor=cursor)
    assert (last, cursor) == (ids[:1], None)


def test_jobs_of_one_millisecond_are_each_listed_once(gateway: Gateway) -> None:
    ids = [gateway.submit([("a.png", FILM)])["id"] for _ in range(9)]
    redis = gateway.parts.jobs._ledger.redis
    redis.zadd("cxr:jobs", dict.fromkeys(ids, 1_700_000_000_000))
    redis.zadd("cxr:jobs:anybody", dict.fromkeys(ids, 1_700_000_000_000))
    seen: list[str] = []
    cursor = None
    while True:
        page, cursor = listed(gateway, limit=2, **({"cursor": cursor} if cursor else {}))
        seen += page
        if cursor is None:
            break
    assert sorted(seen) == sorted(ids)


def test_a_stranger_lists_nothing(gateway: Gateway) -> None:
    gateway.submit([("a.png", FILM)])
    jobs, place = gateway.parts.jobs.seen_by("bob").page(10)
    assert (jobs, place) == ([], None)


def test_a_made_up_cursor_is_refused(gateway: Gateway) -> None:
    answer = gateway.client.get("/v1/jobs", params={"cursor": "zzz"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor")


@pytest.mark.parametrize(("query", "headers"), [({"format": "ndjson"}, {}), ({}, {"Accept": "application/x-ndjson"})])
def test_a_line_of_ndjson_is_a_row_of_the_json_page(
    gateway: Gateway, query: dict[str, str], headers: dict[str, str]
) -> None:
    job = gateway.submit([("a.png", FILM), ("b.png", b""), ("c.png", FILM + b"x")])
    gateway.answer(job, {0: JUDGED})
    answer = gateway.client.get(f"/v1/jobs/{job['id']}/results", params=query, headers=headers)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert [json.loads(line) for line in answer.text.splitlines()] == gateway.rows(job)
    part = gateway.client.get(f"/v1/jobs/{job['id']}/results", params={"format": "ndjson", "offset": 1, "limit": 1})
    assert [json.loads(line)["index"] for line in part.text.splitlines()] == [1]


@pytest.mark.parametrize(("query", "headers"), [({"format": "fhir"}, {}), ({}, {"Accept": "application/fhir+json"})])
def test_a_dicom_film_comes_back_as_fhir_with_its_study(
    gateway: Gateway, query: dict[str, str], headers: dict[str, str]
) -> None:
    job = gateway.submit(
        [("a.dcm", dicom(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4")), ("b.png", b""), ("c.png", FILM)]
    )
    gateway.answer(job, {0: JUDGED})
    answer = gateway.client.get(f"/v1/jobs/{job['id']}/results", params=query, headers=headers)
    assert answer.headers["content-type"] == "application/fhir+json"
    found = Bundle.model_validate_json(answer.text)
    assert found.identifier.value == job["id"]
    assert [entry.resource.status for entry in found.entry] == [*["preliminary"] * 2, *["cancelled"] * 2, "registered"]
    assert "urn:oid:1.2.3" in answer.text


@pytest.mark.parametrize(
    ("query", "headers", "status", "code"),
    [
        ({"format": "xml"}, {}, 400, "unknown_format"),
        ({}, {"Accept": "image/png"}, 406, "not_acceptable"),
    ],
)
def test_what_cannot_be_had_is_refused(
    gateway: Gateway, query: dict[str, str], headers: dict[str, str], status: int, code: str
) -> None:
    job = gateway.submit([("a.png", FILM)])
    answer = gateway.client.get(f"/v1/jobs/{job['id']}/results", params=query, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("name", list(ResultsFormat))
def test_an_unknown_job_is_a_problem_in_every_format(gateway: Gateway, name: str) -> None:
    answer = gateway.client.get("/v1/jobs/unknown/results", params={"format": name})
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
    assert [entry.action for entry in gateway.parts.audit.entries()] == []


def test_a_stream_that_breaks_off_is_seen_to_be_incomplete(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    job = gateway.submit([("a.png", FILM)])

    def broken(self: JobStore, *_: Any) -> Any:
        yield from original(self, job["id"])
        raise LedgerUnavailable

    original = JobStore.results
    monkeypatch.setattr(JobStore, "results", broken)
    with pytest.raises(RuntimeError, match="already started"):  # the server closes the connection
        gateway.client.get(f"/v1/jobs/{job['id']}/results", params={"format": "ndjson"})


async def _size(blocks: Any) -> int:
    return sum([len(block) async for block in blocks])


def test_a_long_stream_needs_the_memory_of_a_page(start: Callable[..., Gateway]) -> None:
    rows = 20_000
    jobs = start(max_backlog_images=rows).parts.jobs
    job_id = jobs.create(QueueName.BATCH)
    row = (JobImage(name="film-" + "x" * 200, sha256=None, size_bytes=0), Rejection.of(EmptyFile()))
    for _ in range(rows // 1000):
        jobs.append(job_id, [row] * 1000)
    tracemalloc.start()
    try:
        answer = stream(ndjson_lines(jobs.results(job_id)), "application/x-ndjson", "findings.ndjson")
        size = anyio.run(_size, answer.body_iterator)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 6_000_000
    assert peak < size / 2
    assert peak > BLOCK_CHARACTERS
