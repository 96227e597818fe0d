"""How much memory one job takes, by its size: the whole way, from one zip in one request to the last answer."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.chaos.films import film
from cxr.schemas import JobState
from tests.stack import Stack, wait_until

SIZES = (1000, 50_000)
DISTINCT = 2000  # after these the films repeat, and with them their answers: memory is measured here, not speed
UPLOAD_TIMEOUT_S, JOB_TIMEOUT_S = 1800.0, 7200.0


@dataclass(frozen=True)
class Memory:
    """Most memory that each process ever had, in bytes: resident, for Redis what it says it uses at the end."""

    images: int
    sent_bytes: int
    gateway_bytes: int
    worker_bytes: int  # with its boxes
    triton_bytes: int  # with its backends
    redis_bytes: int
    redis_empty_bytes: int

    @property
    def redis_bytes_per_image(self) -> float:
        return (self.redis_bytes - self.redis_empty_bytes) / self.images


def measure(folder: Path, images: int, seed: int, say: Callable[[int, int], None]) -> Memory:
    """One job of so many images on a fresh stack; ``say`` is told how many are answered, and of how many."""
    folder.mkdir(parents=True, exist_ok=True)
    stack = Stack(folder)
    try:
        stack.start("redis", "triton", "worker", "gateway")
        empty = _redis_bytes(stack)
        archive = folder / "films.zip"
        with zipfile.ZipFile(archive, "w") as films:
            for number in range(images):
                films.writestr(f"{number}.png", film(seed, number % DISTINCT))
        with (
            archive.open("rb") as content,
            httpx.Client(base_url=stack.gateway_url, timeout=UPLOAD_TIMEOUT_S) as client,
        ):
            answer = client.post("/v1/jobs", files={"files": ("films.zip", content)}).raise_for_status()
        job_id = answer.json()["id"]

        def done() -> bool:
            job = stack.jobs.job(job_id)
            say(job.answered, job.total)
            return job.state is JobState.DONE

        wait_until(done, JOB_TIMEOUT_S, "the job to be done")
        return Memory(
            images=images,
            sent_bytes=archive.stat().st_size,
            gateway_bytes=_peak_bytes(stack.pid("gateway")),
            worker_bytes=_peak_bytes(stack.pid("worker")),
            triton_bytes=_peak_bytes(stack.pid("triton")),
            redis_bytes=_redis_bytes(stack),
            redis_empty_bytes=empty,
        )
    finally:
        stack.close()


def _redis_bytes(stack: Stack) -> int:
    return int(stack.ledger.redis.info("memory")["used_memory"])


def _peak_bytes(pid: int) -> int:
    """The most that a process, and each that it started and that still lives, has had resident."""
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    children = [child for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()]
    return 1024 * int(peak.split()[1]) + sum(_peak_bytes(int(child)) for child in children)
