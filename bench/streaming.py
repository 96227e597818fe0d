"""Reading the findings of a large job: ``python -m bench.streaming --images 100000``.

A real gateway and Redis; the answers are drawn, not judged. For each format: rows in a second, the answer's size, and
by how much the gateway's resident memory grew at most while it was read.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path

import httpx

from cxr.schemas import Finding, JobImage, ModelIdentity, Prediction, QueueName
from tests.stack import Stack

FORMATS = ("ndjson", "csv", "fhir")
MODEL = ModelIdentity(name="pneumonia_classifier", version=1, engine="openvino")
JUDGED = Prediction(
    finding=Finding.PNEUMONIA, probability=0.97, ood_score=0.4, heatmap=[[0.123456] * 7] * 7, model=MODEL
)
TOGETHER = 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    images = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder))
        try:
            stack.start("redis", "gateway")
            job_id = _job(stack, images)
            print("| Format | Rows in a second | Answer | Memory grew by |\n|---|---|---|---|")
            for name in FORMATS:
                print(_read(stack, job_id, name, images))
        finally:
            stack.close()


def _job(stack: Stack, images: int) -> str:
    """A job that is answered."""
    job_id = stack.jobs.create(QueueName.BATCH)
    for first in range(0, images, TOGETHER):
        films = [JobImage(name=f"film-{first + each}.dcm", sha256="0" * 64, size_bytes=1) for each in range(TOGETHER)]
        stack.jobs.append(job_id, [(film, None) for film in films[: images - first]])
    for chunk in stack.jobs.submit(job_id):
        stack.leases.record(chunk, dict.fromkeys(range(chunk.first, chunk.last + 1), JUDGED))
    return job_id


def _read(stack: Stack, job_id: str, name: str, images: int) -> str:
    before, most, stop = _resident_mib(stack), 0.0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not stop.wait(0.05):
            most = max(most, _resident_mib(stack))

    watching = threading.Thread(target=watch)
    watching.start()
    start, size = time.perf_counter(), 0
    with httpx.stream("GET", f"{stack.gateway_url}/v1/jobs/{job_id}/results?format={name}", timeout=600) as answer:
        answer.raise_for_status()
        for block in answer.iter_bytes():
            size += len(block)
    took_s = time.perf_counter() - start
    stop.set()
    watching.join()
    return f"| {name} | {images / took_s:,.0f} | {size / 1024**2:.0f} MiB | {max(0.0, most - before):.0f} MiB |"


def _resident_mib(stack: Stack) -> float:
    status = Path(f"/proc/{stack.pid('gateway')}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
