"""A client that openapi-python-client makes of the API's description: whole, and its calls do what they say."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pydicom
import pytest

from cxr.jobs import Leases
from cxr.schemas import Chunk
from cxr.settings import Settings
from gateway.parts import Parts
from tests.files import dicom, png
from tests.gateway import JUDGED, served
from tests.guarded import access_file, key_of

PACKAGE = "generated_client"
# The generator knows neither PNG nor DICOM; how their bytes are handed on is all that it need know.
OVERRIDES = dict.fromkeys(("application/dicom", "application/zip", "image/png"), "application/octet-stream")
UIDS = {"StudyInstanceUID": "1.2.826.1", "SeriesInstanceUID": "1.2.826.1.1"}


@pytest.fixture
def gateway(guarded: Settings, access_path: Path, tmp_path: Path) -> Iterator[tuple[str, Parts, str]]:
    """Where it listens, its parts, and a key of alice's."""
    key, text = key_of("alice")
    access_file(access_path, keys=[key])
    with served(guarded.model_copy(update={"blobs_dir": tmp_path / "blobs"})) as (url, parts):
        yield url, parts, text


@pytest.fixture
def api(gateway: tuple[str, Parts, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The client: its calls by their names, its models and its types. The generator must understand every word."""
    url, _, key = gateway
    document = httpx.get(f"{url}/openapi.json", headers={"Authorization": f"Bearer {key}"}).raise_for_status().json()
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "config.yaml").write_text(json.dumps({"post_hooks": [], "content_type_overrides": OVERRIDES}))
    words = ["generate", "--path", "openapi.json", "--config", "config.yaml", "--meta", "none", "--fail-on-warning"]
    made = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", *words, "--output-path", PACKAGE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    monkeypatch.syspath_prepend(tmp_path)
    calls = {path.stem: path for path in (tmp_path / PACKAGE / "api").glob("*/*.py") if path.stem != "__init__"}
    named = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert set(calls) == named
    yield SimpleNamespace(
        models=importlib.import_module(f"{PACKAGE}.models"),
        types=importlib.import_module(f"{PACKAGE}.types"),
        client=importlib.import_module(f"{PACKAGE}.client").AuthenticatedClient(url, key),
        **{
            name: importlib.import_module(f"{PACKAGE}.api.{path.parent.name}.{name}").sync_detailed
            for name, path in calls.items()
        },
    )
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def test_a_generated_client_takes_a_film_to_its_finding(api: SimpleNamespace, gateway: tuple[str, Parts, str]) -> None:
    _, parts, _ = gateway
    with api.client as client:
        files = {"film.dcm": dicom(**UIDS), "film.png": png(), "empty.png": b""}
        body = api.models.SubmitFilesBody(
            files=[api.types.File(content, file_name=name) for name, content in files.items()]
        )
        job = api.submit(client=client, body=body, idempotency_key="once").parsed
        assert (job.total, job.state) == (3, api.models.JobState.QUEUED)
        assert api.submit(client=client, body=body, idempotency_key="once").parsed.id == job.id
        assert [one.id for one in api.jobs(client=client).parsed.jobs] == [job.id]

        judge(parts, job.id)
        assert api.job(job.id, client=client).parsed.state is api.models.JobState.DONE
        rows = api.results(job.id, client=client).parsed.results
        assert [row.image.name for row in rows] == list(files)
        assert (rows[0].result.probability, rows[0].result.finding) == (0.9, api.models.Finding.PNEUMONIA)
        assert rows[2].result.code == "empty_file"

        film = api.film(job.id, 0, client=client).parsed.payload.read()
        assert film.startswith(b"\x89PNG")
        report = pydicom.dcmread(api.report(job.id, 0, client=client).parsed.payload)
        assert report.StudyInstanceUID == UIDS["StudyInstanceUID"]
        assert b"event: done" in api.events(job.id, client=client).content

        opinion = api.models.Opinion(verdict=api.models.Verdict.DISAGREE, reason="A thymus")
        assert api.say(job.id, 0, client=client, body=opinion).parsed.reader == "alice/key"
        assert [one.reason for one in api.said(job.id, 0, client=client).parsed] == ["A thymus"]
        assert api.cancel(job.id, client=client).parsed.state is api.models.JobState.DONE
        assert api.delete(job.id, client=client).status_code == 204

        problem = api.job(job.id, client=client).parsed
        assert isinstance(problem, api.models.Problem)
        assert (problem.status, problem.code, problem.retryable) == (404, "job_not_found", False)


def judge(parts: Parts, job_id: str) -> None:
    """What a worker would do."""
    leases = Leases(parts.jobs._ledger, parts.settings)
    total = parts.jobs.job(job_id).total
    lease = leases.claim(Chunk(job_id, 0, total - 1))
    assert lease is not None
    answers: dict[int, Any] = {index: image.noted(JUDGED) for index, image in lease.waiting.items()}
    leases.record(lease.chunk, answers, lease.token)
