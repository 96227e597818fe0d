"""The HTTP API on a real Redis: what is accepted is durable, what is refused leaves nothing behind."""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cxr.errors import NotChestXray, PoisonImage
from cxr.queue import ChunkQueue, celery_app
from cxr.schemas import JobState, Rejection
from gateway.spool import Upload
from gateway.uploads import accept
from tests.dicom_syntaxes import deflated
from tests.files import dicom, png
from tests.gateway import JUDGED, MODEL, Files, Gateway
from tests.zips import zip_of

FILM = png()


def test_an_accepted_job_is_durable_and_queued(gateway: Gateway) -> None:
    job = gateway.submit([("a.png", FILM), ("b.png", png()[:-1] + b"x")])
    assert (job["state"], job["queue"], job["total"], job["answered"]) == ("queued", "interactive", 2, 0)
    assert gateway.stored() == 2
    for row in gateway.rows(job):
        assert gateway.parts.blobs.get(row["image"]["sha256"])
        assert row["result"] is None


def test_many_films_go_to_the_batch_queue(gateway: Gateway) -> None:
    assert (
        gateway.submit([("films.zip", zip_of({f"{n}.png": FILM + bytes([n]) for n in range(9)}))])["queue"] == "batch"
    )


def test_each_bad_file_is_one_row_and_the_rest_goes_on(start: Callable[..., Gateway]) -> None:
    gateway = start(max_file_bytes=len(FILM))
    zipped = zip_of({"good.png": FILM, "../bad.png": FILM, "empty.png": b"", "long.png": FILM + b"x"})
    job = gateway.submit([("a.png", FILM), ("empty.png", b""), ("broken.zip", b"no zip"), ("films.zip", zipped)])
    codes = {row["image"]["name"]: row["result"] and row["result"]["code"] for row in gateway.rows(job)}
    assert codes == {
        "a.png": None,
        "empty.png": "empty_file",
        "broken.zip": "corrupt_archive",
        "films.zip/good.png": None,
        "films.zip/../bad.png": "unsafe_archive_entry",
        "films.zip/empty.png": "empty_file",
        "films.zip/long.png": "file_too_large",
    }
    assert job["answered"] == 5
    assert gateway.stored() == 1


def test_every_row_names_the_bytes_that_were_sent(start: Callable[..., Gateway]) -> None:
    film, ct = dicom(), dicom(Modality="CT")
    gateway = start(max_file_bytes=len(film) + 1000)
    sent = {"a.png": FILM, "film.dcm": film, "ct.dcm": ct, "empty.png": b"", "large.png": bytes(len(film) + 1001)}
    sent |= {"broken.zip": b"no zip", "nothing.zip": zip_of({"y/": b""})}
    zipped = zip_of({"b.png": FILM, "../bad.png": FILM})
    job = gateway.submit([*sent.items(), ("films.zip", zipped)])
    images = {row["image"]["name"]: row["image"] for row in gateway.rows(job)}
    for name, content in {**sent, "films.zip/b.png": FILM}.items():
        found = images[name]["sent_sha256"], images[name]["sent_size_bytes"]
        assert found == (hashlib.sha256(content).hexdigest(), len(content)), name
    assert images["a.png"]["sha256"] == images["a.png"]["sent_sha256"]
    assert images["film.dcm"]["sha256"] not in (None, images["film.dcm"]["sent_sha256"])
    assert images["ct.dcm"]["sha256"] is None
    unread = images["films.zip/../bad.png"]
    assert (unread["sent_sha256"], unread["sent_size_bytes"]) == (None, None)
    lines = csv.DictReader(io.StringIO(gateway.client.get(f"/v1/jobs/{job['id']}/results?format=csv").text))
    assert [line["sent_sha256"] or None for line in lines] == [image["sent_sha256"] for image in images.values()]


def test_what_is_kept_of_deflated_films_is_counted_as_what_unpacks(start: Callable[..., Gateway]) -> None:
    films = {f"{n}.dcm": deflated(dicom(np.full((400, 400), n, np.uint8))) for n in range(4)}
    gateway = start(max_request_bytes=100_000)
    sent = [*films.items(), ("small.png", FILM)]
    assert sum(len(content) for _, content in sent) < 20_000
    job = gateway.submit(sent)
    rows = gateway.rows(job)
    codes = [row["result"] and row["result"]["code"] for row in rows]
    assert codes == [None, None, "file_too_large", "file_too_large", "file_too_large"]
    assert "unpack to more than 400000 bytes" in rows[2]["result"]["message"]
    for row, (_, content) in zip(rows, sent, strict=True):
        assert row["image"]["sent_sha256"] == hashlib.sha256(content).hexdigest()
        assert (row["image"]["sha256"] is None) is bool(row["result"])
    assert gateway.stored() == 2


def test_a_job_of_refusals_alone_is_done_at_once(gateway: Gateway) -> None:
    job = gateway.submit([("empty.png", b"")])
    assert (job["state"], job["answered"]) == ("done", 1)
    assert gateway.stored() == 0


@pytest.mark.parametrize(
    ("files", "settings", "status", "code"),
    [
        ([("films.zip", b"no zip")], {}, 422, "corrupt_archive"),
        ([("films.zip", zip_of({"folder/": b""}))], {}, 422, "no_images"),
        ([(f"{n}.png", FILM) for n in range(3)], {"max_images_per_job": 2}, 413, "too_many_images"),
        (
            [("films.zip", zip_of({f"{n}.png": FILM for n in range(3)}))],
            {"max_images_per_job": 2},
            413,
            "too_many_images",
        ),
        ([("a.png", FILM)], {"max_request_bytes": 100}, 413, "request_too_large"),
        ([("a.png", FILM), ("b.png", FILM + b"x")], {"max_backlog_bytes": len(FILM)}, 429, "queue_full"),
        ([("a.png", FILM), ("b.png", FILM + b"x")], {"max_backlog_images": 1}, 413, "too_many_images"),
        ([("a.png", FILM), ("b.png", FILM + b"x")], {"max_owner_images": 1}, 413, "too_many_images"),
    ],
)
def test_a_refused_request_leaves_nothing_behind(
    start: Callable[..., Gateway], files: Files, settings: dict[str, int], status: int, code: str
) -> None:
    gateway = start(**settings)
    answer = gateway.post(files)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert ("retry-after" in answer.headers) is (status == 429)
    assert gateway.stored() == 0
    assert gateway.parts.jobs.recent() == []


def test_only_a_job_that_can_come_in_later_is_told_to_come_again(start: Callable[..., Gateway]) -> None:
    gateway = start(max_owner_images=2)
    gateway.submit([("a.png", FILM)])
    later = gateway.post([("b.png", FILM), ("c.png", FILM)])
    assert (later.status_code, later.json()["code"], later.json()["retryable"]) == (429, "quota_exceeded", True)
    never = gateway.post([("b.png", FILM), ("c.png", FILM), ("d.png", FILM)])
    assert (never.status_code, never.json()["code"], never.json()["retryable"]) == (413, "too_many_images", False)
    assert "you may have at most 2 images waiting" in never.json()["detail"]
    assert len(gateway.parts.jobs.recent()) == 1


def test_a_request_without_files_is_refused(gateway: Gateway) -> None:
    answer = gateway.client.post("/v1/jobs", files={"file": ("a.png", FILM)})
    assert (answer.status_code, answer.json()["code"]) == (422, "no_images")
    assert "parts must be named 'files'; yours was 'file'" in answer.json()["detail"]


def test_a_store_that_fails_midway_leaves_no_job(start: Callable[..., Gateway], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file where the folder should be")
    gateway = start(blobs_dir=tmp_path / "file")
    answer = gateway.post([("a.png", FILM)])
    assert (answer.status_code, answer.json()["code"]) == (503, "blobs_unavailable")
    assert answer.headers["Retry-After"]
    assert gateway.parts.jobs.recent() == []
    assert gateway.parts.jobs._ledger.redis.hlen("cxr:blob_needs") == 0


@pytest.mark.parametrize("size_bytes", [100, 3 * 1024**2])
def test_a_full_folder_of_uploads_is_a_matter_of_waiting(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, size_bytes: int
) -> None:
    """Small uploads find out when what was buffered is read, large ones while they arrive."""
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("w+b"))  # noqa: SIM115
    answer = gateway.post([("a.png", bytes(size_bytes))])
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (503, "blobs_unavailable", True)
    assert "the folder of uploads: No space left on device" in answer.json()["detail"]
    assert answer.headers["Retry-After"]
    assert gateway.parts.jobs.recent() == []
    monkeypatch.undo()
    gateway.submit([("a.png", FILM)])


def test_a_gateway_without_a_folder_for_uploads_is_a_matter_of_waiting(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    answer = gateway.post([("a.png", FILM)])
    assert (answer.status_code, answer.json()["code"]) == (503, "blobs_unavailable")


def test_a_lost_hint_does_not_refuse_a_job(gateway: Gateway) -> None:
    """The ledger knows the chunks; the reconciler hints them again."""
    away = replace(gateway.parts, queue=ChunkQueue(celery_app("redis://127.0.0.1:1/0")))
    job = accept([Upload.of_bytes("a.png", FILM)], away)
    assert job.state is JobState.QUEUED
    assert gateway.stored() == 1


def test_results_come_page_by_page(gateway: Gateway) -> None:
    job = gateway.submit([(f"{n}.png", FILM + bytes([n])) for n in range(5)])
    seen, offset = [], 0
    while offset is not None:
        page = gateway.client.get(f"/v1/jobs/{job['id']}/results", params={"limit": 2, "offset": offset}).json()
        seen += [row["image"]["name"] for row in page["results"]]
        offset = page["next_offset"]
    assert seen == [f"{n}.png" for n in range(5)]


@pytest.mark.parametrize(("query", "headers"), [({"format": "csv"}, {}), ({}, {"Accept": "text/csv"})])
def test_results_come_as_a_table(gateway: Gateway, query: dict[str, str], headers: dict[str, str]) -> None:
    job = gateway.submit([("=cmd.png", FILM), ("b.png", b"")])
    gateway.answer(job, {0: JUDGED})
    answer = gateway.client.get(f"/v1/jobs/{job['id']}/results", params=query, headers=headers)
    assert answer.headers["content-type"].startswith("text/csv")
    judged, empty = csv.DictReader(io.StringIO(answer.text))
    assert (judged["name"], judged["finding"], judged["probability"]) == ("'=cmd.png", "pneumonia", "0.9")
    assert (empty["answer"], empty["code"]) == ("rejection", "empty_file")


def test_pictures_of_a_judged_film(gateway: Gateway) -> None:
    job = gateway.submit([("a.png", FILM)])
    base = f"/v1/jobs/{job['id']}/images/0"
    for name in ("film", "heatmap", "overlay"):
        answer = gateway.client.get(f"{base}/{name}.png")
        assert (answer.status_code, answer.json()["code"]) == (409, "results_not_ready")
    gateway.answer(job, {0: JUDGED})
    sizes = set()
    for name, mode in (("film", "L"), ("heatmap", "RGBA"), ("overlay", "RGB")):
        answer = gateway.client.get(f"{base}/{name}.png")
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["cache-control"] == "no-store"
        picture = Image.open(io.BytesIO(answer.content))
        assert picture.mode == mode
        sizes.add(picture.size)
    assert sizes == {(320, 256)}
    missing = gateway.client.get(f"/v1/jobs/{job['id']}/images/1/overlay.png")
    assert (missing.status_code, missing.json()["code"]) == (404, "image_not_found")


def test_a_refused_photograph_is_shown_without_a_heatmap(gateway: Gateway) -> None:
    job = gateway.submit([("cat.png", FILM)])
    gateway.answer(job, {0: Rejection.of(NotChestXray(), ood_score=3.0, model=MODEL)})
    base = f"/v1/jobs/{job['id']}/images/0"
    assert gateway.client.get(f"{base}/film.png").status_code == 200
    answer = gateway.client.get(f"{base}/overlay.png")
    assert (answer.status_code, answer.json()["code"]) == (422, "not_chest_xray")


def test_an_image_that_stopped_workers_is_never_decoded_here(gateway: Gateway) -> None:
    job = gateway.submit([("poison.png", FILM)])
    gateway.answer(job, {0: Rejection.of(PoisonImage())})
    for name in ("film", "heatmap", "overlay"):
        answer = gateway.client.get(f"/v1/jobs/{job['id']}/images/0/{name}.png")
        assert (answer.status_code, answer.json()["code"]) == (422, "poison_image")


def test_a_stopped_job_keeps_the_answers_it_has(gateway: Gateway) -> None:
    job = gateway.submit([("a.png", FILM), ("b.png", b"")])
    stopped = gateway.client.post(f"/v1/jobs/{job['id']}/cancel").json()
    assert (stopped["state"], stopped["answered"]) == ("cancelled", 1)
    assert [row["result"] and row["result"]["code"] for row in gateway.rows(job)] == [None, "empty_file"]
    table = gateway.client.get(f"/v1/jobs/{job['id']}/results?format=csv").text
    assert [line["answer"] for line in csv.DictReader(io.StringIO(table))] == ["cancelled", "rejection"]
    bundle = gateway.client.get(f"/v1/jobs/{job['id']}/results?format=fhir").json()
    assert [entry["resource"]["status"] for entry in bundle["entry"]] == ["cancelled"] * 3


def test_a_deleted_job_is_forgotten_with_the_films_that_only_it_needed(gateway: Gateway) -> None:
    first = gateway.submit([("a.png", FILM), ("b.png", FILM + b"x")])
    second = gateway.submit([("c.png", FILM)])
    assert gateway.client.delete(f"/v1/jobs/{first['id']}").status_code == 204
    assert gateway.stored() == 1
    assert gateway.parts.blobs.get(gateway.rows(second)[0]["image"]["sha256"]) == FILM
    for method, path in (("GET", ""), ("GET", "/results"), ("GET", "/results?format=csv"), ("DELETE", "")):
        answer = gateway.client.request(method, f"/v1/jobs/{first['id']}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
    gateway.client.delete(f"/v1/jobs/{second['id']}")
    assert gateway.stored() == 0


def test_readiness_names_the_model_alone(gateway: Gateway) -> None:
    answer = gateway.client.get("/readyz")
    assert answer.status_code == 503
    assert "away: model" in answer.json()["detail"]
