"""What readers say is kept, in order, beyond the life of the job, and becomes labels."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from cxr.errors import NotChestXray
from cxr.jobs import AuditLog, JobStore, Leases, Ledger
from cxr.jobs.feedback import LONGEST_REASON
from cxr.schemas import Chunk, Finding, ModelIdentity, Prediction, Rejection
from deploy.local.settings import ROOT
from gateway.http_app import http_app
from gateway.parts import Parts
from tests.ledger_jobs import image, submitted
from tests.stack import Stack

MODEL = ModelIdentity(name="pneumonia_classifier", version=3, engine="openvino")


def judged(finding: Finding, probability: float) -> Prediction:
    return Prediction(finding=finding, probability=probability, ood_score=0.1, heatmap=[[1.0]], model=MODEL)


ANSWERS: dict[int, Prediction | Rejection] = {
    0: judged(Finding.PNEUMONIA, 0.9),
    1: judged(Finding.NO_PNEUMONIA, 0.1),
    2: judged(Finding.INDETERMINATE, 0.5),
    3: Rejection.of(NotChestXray(), ood_score=3.0, model=MODEL),
}


@pytest.fixture
def client(redis_stack: Stack, tmp_path: Path, jobs: JobStore) -> Iterator[TestClient]:
    settings = redis_stack.settings.model_copy(update={"blobs_dir": tmp_path})
    with TestClient(http_app(Parts.of(settings))) as client:
        yield client


@pytest.fixture
def job(jobs: JobStore, leases: Leases) -> str:
    """Five images, four of them answered."""
    job_id, _ = submitted(jobs, 5)
    leases.record(Chunk(job_id, 0, 3), ANSWERS)
    return job_id


def say(client: TestClient, job: str, index: int, **opinion: Any) -> Any:
    return client.post(f"/v1/jobs/{job}/images/{index}/feedback", json=opinion)


def manifest(stack: Stack, folder: Path, *options: str) -> list[dict[str, str]]:
    out = folder / "manifest.csv"
    command = [sys.executable, "-m", "gateway", "feedback", "--out", str(out), *options]
    environment = {**os.environ, "CXR_REDIS_URL": stack.settings.redis_url}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return list(csv.DictReader(out.read_text().splitlines()))


def test_an_opinion_is_kept_with_what_it_speaks_of(client: TestClient, job: str) -> None:
    answer = say(client, job, 0, verdict="disagree", reason="a rib\n\tshadow\x00")
    assert answer.status_code == 201
    said = answer.json()
    assert (said["reader"], said["answer"], said["probability"]) == ("anybody", "pneumonia", 0.9)
    assert (said["sha256"], said["reason"]) == (image(0).sha256, "a rib shadow")
    assert said["model"]["version"] == 3
    say(client, job, 0, verdict="agree")
    say(client, job, 1, verdict="agree")
    kept = client.get(f"/v1/jobs/{job}/images/0/feedback").json()
    assert [entry["verdict"] for entry in kept] == ["disagree", "agree"]
    assert kept[0] == said


def test_who_reads_what_was_said_is_on_the_record(client: TestClient, job: str, ledger: Ledger) -> None:
    """It says what was found, as the results do."""
    say(client, job, 0, verdict="agree")
    for address in (f"{job}/images/5", f"{job[:-1]}!/images/0"):
        assert client.get(f"/v1/jobs/{address}/feedback").status_code == 404
    assert [entry.action for entry in AuditLog(ledger).entries()] == ["feedback"]
    for _ in range(2):
        assert client.get(f"/v1/jobs/{job}/images/0/feedback").json()[0]["probability"] == 0.9
    read = list(AuditLog(ledger).entries())[1:]
    assert [(entry.actor, entry.action, entry.job_id) for entry in read] == [("anybody", "read", job)]


@pytest.mark.parametrize(
    ("index", "opinion", "status", "code"),
    [
        (4, {"verdict": "agree"}, 409, "results_not_ready"),
        (5, {"verdict": "agree"}, 404, "image_not_found"),
        (0, {"verdict": "perhaps"}, 422, "invalid_request"),
        (0, {"verdict": "agree", "reason": "x" * (LONGEST_REASON + 1)}, 422, "invalid_request"),
        (0, {"verdict": "agree", "reader": "somebody else"}, 422, "invalid_request"),
    ],
)
def test_what_is_no_opinion_on_an_answer_is_refused(
    client: TestClient, job: str, index: int, opinion: dict[str, str], status: int, code: str
) -> None:
    answer = say(client, job, index, **opinion)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_opinions_become_labels(client: TestClient, job: str, redis_stack: Stack, tmp_path: Path) -> None:
    say(client, job, 0, verdict="agree")
    say(client, job, 0, verdict="disagree", reason="=cmd()")
    say(client, job, 1, verdict="disagree")
    say(client, job, 2, verdict="disagree")
    say(client, job, 3, verdict="agree")
    assert [row["label"] for row in manifest(redis_stack, tmp_path) if row["answer"] == "not_chest_xray"] == [""]
    say(client, job, 3, verdict="disagree", sees="no_pneumonia")
    rows = manifest(redis_stack, tmp_path)
    assert [(row["index"], row["answer"], row["label"]) for row in rows] == [
        ("0", "pneumonia", "0"),
        ("1", "no_pneumonia", "1"),
        ("2", "indeterminate", ""),
        ("3", "not_chest_xray", "0"),
    ]
    assert (rows[0]["sha256"], rows[0]["reason"], rows[0]["model_version"]) == (image(0).sha256, "'=cmd()", "3")
    assert len(manifest(redis_stack, tmp_path, "--all")) == 6


def test_what_was_said_outlives_its_job(client: TestClient, job: str, redis_stack: Stack, tmp_path: Path) -> None:
    say(client, job, 0, verdict="agree")
    assert client.delete(f"/v1/jobs/{job}").status_code == 204
    gone = client.get(f"/v1/jobs/{job}/images/0/feedback")
    assert (gone.status_code, gone.json()["code"]) == (404, "job_not_found")
    assert say(client, job, 0, verdict="agree").status_code == 404
    assert [row["job_id"] for row in manifest(redis_stack, tmp_path)] == [job]
    assert redis_stack.ledger.redis.keys(f"cxr:job:{job}*") == []
