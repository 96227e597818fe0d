"""The API in the test's own process, on a real Redis."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi.testclient import TestClient

from cxr.jobs import Leases
from cxr.schemas import Chunk, Finding, JobState, ModelIdentity, Prediction, Rejection
from cxr.settings import Settings
from gateway.http_app import http_app
from gateway.parts import Parts
from tests.stack import free_port, wait_until

MODEL = ModelIdentity(name="pneumonia_classifier", version=1, engine="openvino")
JUDGED = Prediction(
    finding=Finding.PNEUMONIA, probability=0.9, ood_score=0.1, heatmap=[[0.0, 2.0], [0.0, -1.0]], model=MODEL
)
Files = list[tuple[str, bytes]]


class Gateway:
    """The API in this process, and the worker's hand to write answers with."""

    def __init__(self, settings: Settings) -> None:
        self.parts = Parts.of(settings)
        self.blobs = settings.blobs_dir
        self.client = TestClient(http_app(self.parts))
        self._leases = Leases(self.parts.jobs._ledger, settings)

    def submit(self, files: Files) -> dict[str, Any]:
        answer = self.post(files)
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
        return job

    def post(self, files: Files) -> Any:
        return self.client.post("/v1/jobs", files=[("files", file) for file in files])

    def rows(self, job: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
        answer = self.client.get(f"/v1/jobs/{job['id']}/results", params=query)
        rows: list[dict[str, Any]] = answer.raise_for_status().json()["results"]
        return rows

    def answer(self, job: dict[str, Any], results: dict[int, Prediction | Rejection]) -> None:
        lease = self._leases.claim(Chunk(job["id"], 0, job["total"] - 1))
        assert lease is not None
        self._leases.record(lease.chunk, results, lease.token)

    def stored(self) -> int:
        """How many blobs lie in the store."""
        return sum(path.is_file() for path in self.blobs.rglob("*"))


@contextmanager
def served(settings: Settings) -> Iterator[tuple[str, Parts]]:
    """The API on a real port, for what a test client cannot show: streams, cut connections, other programs."""
    parts, port = Parts.of(settings), free_port()
    server = uvicorn.Server(uvicorn.Config(http_app(parts), port=port, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, 30, "the gateway to start")
        yield f"http://127.0.0.1:{port}", parts
    finally:
        server.should_exit = True
        thread.join(30)


@contextmanager
def answering(parts: Parts, leases: Leases) -> Iterator[None]:
    """A worker's hand: every job is judged as soon as it is there."""
    stop = threading.Event()

    def answer() -> None:
        while not stop.wait(0.05):
            for job in parts.jobs.recent():
                chunk = Chunk(job.id, 0, job.total - 1)
                if job.state is JobState.QUEUED and (lease := leases.claim(chunk)):
                    leases.record(chunk, dict.fromkeys(lease.waiting, JUDGED), lease.token)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
