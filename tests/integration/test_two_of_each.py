"""Two workers and two Tritons on one machine: both of each work, one of each dies, and nothing is lost or fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from cxr.jobs import Presence
from cxr.schemas import QueueName, Rejection
from cxr.triton import ModelClient
from deploy.local.settings import ROOT
from tests.files import grey_ramp, png
from tests.prometheus import samples
from tests.stack import Stack, free_port, wait_until

FILMS = 96


class SecondTriton:
    """Another tritonserver beside the stack's, on ports of its own."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.port, self.metrics_port = free_port(), free_port()
        variables = {
            "CXR_TRITON_PORT": str(self.port),
            "CXR_TRITON_METRICS_PORT": str(self.metrics_port),
            "CXR_LOCAL_DIR": str(folder),
        }
        with (folder / "triton-2.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local.triton"],
                env={**stack.environment(), **variables},
                cwd=ROOT,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        model = ModelClient(f"127.0.0.1:{self.port}", stack.settings.model_name, timeout_s=5)
        wait_until(model.ready, 120, "the second Triton to be ready")
        model.close()

    def kill(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, SecondTriton, str]]:
    """The stack with workers that know both Tritons; where the first one shows its metrics."""
    folder, first_metrics = tmp_path_factory.mktemp("two"), free_port()
    second_folder = folder / "second"
    second_folder.mkdir()
    stack = Stack(folder, CXR_TRITON_METRICS_PORT=str(first_metrics))
    second = None
    try:
        stack.start("redis", "triton")
        second = SecondTriton(stack, second_folder)
        stack.set_environment(CXR_TRITON_URL=f"{stack.settings.triton_url},127.0.0.1:{second.port}")
        stack.start("worker", "worker-2")
        yield stack, second, f"http://127.0.0.1:{first_metrics}/metrics"
    finally:
        if second:
            second.kill()
        stack.close()


def job(stack: Stack, seed: int) -> str:
    return stack.submit([png(grey_ramp(200 + seed, 180 + place)) for place in range(FILMS)], QueueName.BATCH)


def answered_by_engine(stack: Stack, job_id: str) -> int:
    """How many of a job's films got an answer of the model, not of a part that was away."""
    answers = stack.results(job_id, timeout_s=180)
    return sum(not isinstance(answer, Rejection) or answer.code == "not_chest_xray" for answer in answers)


def judged(address: str) -> float:
    counted = 'nv_inference_count{model="pneumonia_classifier",'
    return sum(value for name, value in samples(address).items() if name.startswith(counted))


def test_both_of_each_work(two: tuple[Stack, SecondTriton, str]) -> None:
    stack, second, first_metrics = two
    addresses = (first_metrics, f"http://127.0.0.1:{second.metrics_port}/metrics")
    before = [judged(address) for address in addresses]
    wait_until(lambda: Presence(stack.ledger).count() == 2, 60, "both workers to be there")
    seeds = count()

    def both_answered() -> bool:
        assert answered_by_engine(stack, job(stack, next(seeds))) == FILMS
        return all("chunk_answered" in stack.log(worker) for worker in ("worker", "worker-2"))

    wait_until(both_answered, 120, "both workers to have answered")
    done = [judged(address) - was for address, was in zip(addresses, before, strict=True)]
    assert sum(done) >= FILMS
    assert min(done) > 0.2 * sum(done), "the load is not spread"


def test_one_of_each_dies_and_nothing_is_lost(two: tuple[Stack, SecondTriton, str]) -> None:
    stack, second, _ = two
    jobs = [job(stack, seed) for seed in range(10, 14)]
    wait_until(lambda: stack.jobs.job(jobs[0]).answered > 0, 60, "work to begin")
    second.kill()
    stack.stop("worker-2", signal.SIGKILL)
    assert [answered_by_engine(stack, job_id) for job_id in jobs] == [FILMS] * len(jobs)
    assert stack.jobs.set_aside() == []
    assert answered_by_engine(stack, job(stack, 20)) == FILMS, "the ones that are left go on"
