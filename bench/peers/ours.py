"""Our own doors under the same client: jobs over HTTP, each accepted durably, and whole files over gRPC."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http.client import HTTPConnection
from queue import SimpleQueue

from bench.films import originals, repeated
from bench.peers.doors import multipart
from tests.stack import Stack

FILMS_PER_JOB = 64
LOOK_S, LOOK_AT_ONE_S = 0.2, 0.01
TIMEOUT_S = 300.0


def by_jobs(stack: Stack, films_per_job: int = FILMS_PER_JOB) -> Callable[[], int]:
    """Submit a job of films, follow it until it is done, read its findings, forget it."""
    jobs = max(8, -(-len(originals()) // films_per_job))
    films = list(repeated(jobs * films_per_job, "peers-"))  # bytes of their own: what is known is not judged again
    parts: SimpleQueue[tuple[bytes, dict[str, str]]] = SimpleQueue()
    for start in range(0, len(films), films_per_job):
        parts.put(multipart(*films[start : start + films_per_job], field="files"))

    def call() -> int:
        wrapped = parts.get()
        connection = HTTPConnection("127.0.0.1", stack.local.gateway_port, timeout=TIMEOUT_S)
        try:
            job = _asked(connection, "POST", "/v1/jobs", *wrapped)
            while job["state"] != "done":
                time.sleep(LOOK_AT_ONE_S if films_per_job == 1 else LOOK_S)
                job = _asked(connection, "GET", f"/v1/jobs/{job['id']}")
            rows = _asked(connection, "GET", f"/v1/jobs/{job['id']}/results")["results"]
            _asked(connection, "DELETE", f"/v1/jobs/{job['id']}")
        finally:
            connection.close()
            parts.put(wrapped)
        return sum(1 for row in rows if row["result"])

    return call


def by_files(stack: Stack) -> Callable[[], int]:
    """One film a request to the gRPC model ``pneumonia``; Triton puts them together."""
    import numpy as np
    import tritonclient.grpc as triton

    client = triton.InferenceServerClient(stack.settings.triton_url)
    films: SimpleQueue[bytes] = SimpleQueue()
    for film in originals():
        films.put(film)

    def call() -> int:
        film = films.get()
        films.put(film)
        tensor = triton.InferInput("FILE", [1, 1], "BYTES")
        tensor.set_data_from_numpy(np.array([[film]], object))
        client.infer("pneumonia", [tensor], client_timeout=TIMEOUT_S)
        return 1

    return call


def _asked(
    connection: HTTPConnection, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> dict:  # type: ignore[type-arg]
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status < 300, content[:300]
    return json.loads(content) if content else {}  # type: ignore[no-any-return]
