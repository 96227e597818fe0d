"""DICOM in, DICOM out: what a job of DICOM films gives back, judged by dciodvfy and read again."""

from __future__ import annotations

import csv
import io
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import highdicom
import pydicom
import pytest
from fastapi.testclient import TestClient

from cxr.blobs.folder import FolderStore
from cxr.errors import FilmLost
from cxr.jobs import Leases, References
from cxr.schemas import Chunk, Finding, ModelIdentity, Prediction
from gateway.http_app import http_app
from gateway.parts import Parts
from tests.files import dicom, grey_ramp, png
from tests.programs import program
from tests.stack import Stack

MODEL = ModelIdentity(name="pneumonia_classifier", version=1, engine="openvino")
JUDGED = Prediction(
    finding=Finding.PNEUMONIA, probability=0.9, ood_score=0.1, heatmap=[[0.0, 2.0], [0.0, -1.0]], model=MODEL
)
UIDS = {"StudyInstanceUID": "1.2.826.1", "SeriesInstanceUID": "1.2.826.1.1"}
FILM = dicom(PatientName="SECRET^NAME", PatientID="SECRETID", PatientAge="044Y", **UIDS)
INSTANCE = pydicom.dcmread(io.BytesIO(FILM)).SOPInstanceUID
FILES = [("a.dcm", FILM), ("b.png", png()), ("c.dcm", dicom(Modality="CT", PatientName="SECRET^NAME"))]


@pytest.fixture(scope="module")
def answered(redis_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, str, Path]]:
    """A job of a DICOM film, a PNG and a CT, judged."""
    redis_stack.ledger.redis.flushdb()
    folder = tmp_path_factory.mktemp("dicom") / "blobs"
    settings = redis_stack.settings.model_copy(update={"blobs_dir": folder})
    parts = Parts.of(settings)
    with TestClient(http_app(parts)) as client:
        job = client.post("/v1/jobs", files=[("files", file) for file in FILES]).raise_for_status().json()
        judge(Leases(parts.jobs._ledger, settings), job)
        yield client, job["id"], folder


def judge(leases: Leases, job: dict[str, Any]) -> None:
    """A worker's hand."""
    lease = leases.claim(Chunk(job["id"], 0, job["total"] - 1))
    assert lease is not None
    leases.record(lease.chunk, {n: lease.waiting[n].noted(JUDGED) for n in lease.waiting}, lease.token)


def validated(content: bytes, folder: Path) -> pydicom.Dataset:
    """The data set, which dciodvfy finds no error in (it warns that an empty patient makes no DICOMDIR)."""
    validator = program("dciodvfy", "dicom3tools")
    path = folder / "result.dcm"
    path.write_bytes(content)
    said = subprocess.run([validator, str(path)], capture_output=True, text=True, check=False).stderr
    assert "Error" not in said, said
    return pydicom.dcmread(path)


def test_the_report_says_the_finding_of_the_original(answered: tuple[TestClient, str, Path], tmp_path: Path) -> None:
    client, job_id, _ = answered
    answer = client.get(f"/v1/jobs/{job_id}/images/0/report.dcm").raise_for_status()
    assert answer.headers["content-type"] == "application/dicom"
    report = highdicom.sr.EnhancedSR.from_dataset(validated(answer.content, tmp_path))
    assert (report.StudyInstanceUID, report.PatientName) == (UIDS["StudyInstanceUID"], "")
    [group] = report.content.get_image_measurement_groups()
    assert group.finding_type.value == "233604007"
    [certainty] = group.get_measurements()
    assert (certainty.value, certainty.unit.value) == (90.0, "%")
    evaluations = group.get_qualitative_evaluations()
    [presence] = [found for found in evaluations if found.name.value == "233604007"]
    assert presence.value.meaning == "Present"
    [source] = group.source_images
    assert source.referenced_sop_instance_uid == INSTANCE
    texts = [str(item.TextValue) for item in group[0].ContentSequence if item.ValueType == "TEXT"]
    assert any("not a medical device" in text for text in texts)
    assert any("validated on no other age" in text for text in texts)


def test_the_capture_shows_the_film_and_refers_to_it(answered: tuple[TestClient, str, Path], tmp_path: Path) -> None:
    client, job_id, _ = answered
    answer = client.get(f"/v1/jobs/{job_id}/images/0/capture.dcm").raise_for_status()
    capture = validated(answer.content, tmp_path)
    assert capture.SourceImageSequence[0].ReferencedSOPInstanceUID == INSTANCE
    assert capture.StudyInstanceUID == UIDS["StudyInstanceUID"]
    pixels = capture.pixel_array
    assert pixels.shape[1:] == (320, 3)
    assert capture.BurnedInAnnotation == "NO"
    film, caption = pixels[:256], pixels[256:]
    assert (film[..., 0].astype(int) - film[..., 2]).max() > 30  # warm where the heatmap is
    assert caption.max() > 250


def test_the_zip_has_a_line_for_every_image(answered: tuple[TestClient, str, Path]) -> None:
    client, job_id, _ = answered
    answer = client.get(f"/v1/jobs/{job_id}/results", params={"format": "dicom"}).raise_for_status()
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["000000-report.dcm", "000000-capture.dcm", "index.csv"]
        index = list(csv.DictReader(io.StringIO(archive.read("index.csv").decode())))
        report = pydicom.dcmread(io.BytesIO(archive.read("000000-report.dcm")))
    assert [(row["answer"], row["code"]) for row in index] == [
        ("prediction", ""),
        ("prediction", "no_dicom_original"),
        ("rejection", "wrong_modality"),
    ]
    single = client.get(f"/v1/jobs/{job_id}/images/0/report.dcm").content
    assert report.SOPInstanceUID == pydicom.dcmread(io.BytesIO(single)).SOPInstanceUID  # sent twice, it is one


def test_a_film_that_is_lost_costs_the_zip_its_capture_alone(
    answered: tuple[TestClient, str, Path], redis_stack: Stack
) -> None:
    client, _, folder = answered
    films = [("files", (f"{width}.dcm", dicom(grey_ramp(width), **UIDS))) for width in (300, 310)]
    job = client.post("/v1/jobs", files=films).raise_for_status().json()
    judge(redis_stack.leases, job)
    blobs = FolderStore(folder)
    blobs.belong_to("ours")
    lost = client.get(f"/v1/jobs/{job['id']}/results").json()["results"][0]["image"]["sha256"]
    blobs.discard([lost], lambda hashes: hashes)
    answer = client.get(f"/v1/jobs/{job['id']}/results", params={"format": "dicom"}).raise_for_status()
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["000000-report.dcm", "000001-report.dcm", "000001-capture.dcm", "index.csv"]
        index = list(csv.DictReader(io.StringIO(archive.read("index.csv").decode())))
    assert [(row["answer"], row["code"], row["report"], row["capture"]) for row in index] == [
        ("prediction", "film_lost", "000000-report.dcm", ""),
        ("prediction", "", "000001-report.dcm", "000001-capture.dcm"),
    ]
    assert index[0]["message"] == FilmLost.sentence


def test_what_has_no_original_has_no_dicom_result(answered: tuple[TestClient, str, Path]) -> None:
    client, job_id, _ = answered
    codes = [client.get(f"/v1/jobs/{job_id}/images/{n}/report.dcm").json()["code"] for n in (1, 2, 3)]
    assert codes == ["no_dicom_original", "wrong_modality", "image_not_found"]
    unknown = client.get("/v1/jobs/none/results", params={"format": "dicom"})
    assert unknown.json()["code"] == "job_not_found"


def test_the_patient_is_in_no_blob_row_or_result(
    answered: tuple[TestClient, str, Path], redis_stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    client, job_id, folder = answered
    kept: list[Any] = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    for key in redis_stack.ledger.redis.keys("*"):
        kept.append(repr(_value(redis_stack, key)).encode())
    for address in ("results", "results?format=csv", "results?format=dicom", "images/0/report.dcm"):
        kept.append(client.get(f"/v1/jobs/{job_id}/{address}").content)
    again = client.post("/v1/jobs", files=[("files", file) for file in FILES]).json()["id"]
    client.delete(f"/v1/jobs/{again}").raise_for_status()
    logged = capsys.readouterr()
    assert "job_accepted" in logged.out
    kept.append((logged.out + logged.err).encode())
    assert len(kept) > 8
    assert not any(b"SECRET" in content for content in kept)
    rows = client.get(f"/v1/jobs/{job_id}/results").text
    assert UIDS["StudyInstanceUID"] not in rows
    assert INSTANCE not in rows


def test_the_reference_goes_with_the_job(answered: tuple[TestClient, str, Path], redis_stack: Stack) -> None:
    client, job_id, _ = answered
    references = References(redis_stack.ledger)
    again = client.post("/v1/jobs", files=[("files", FILES[0])]).json()["id"]
    assert references.any(again)
    client.delete(f"/v1/jobs/{again}").raise_for_status()
    assert not references.any(again)
    assert references.any(job_id)


def _value(stack: Stack, key: str) -> object:
    redis: Any = stack.ledger.redis
    readers = {
        "string": redis.get,
        "hash": redis.hgetall,
        "list": lambda name: redis.lrange(name, 0, -1),
        "set": redis.smembers,
        "zset": lambda name: redis.zrange(name, 0, -1),
        "stream": redis.xrange,
    }
    return readers[redis.type(key)](key)
