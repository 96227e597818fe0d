"""Whether an image costs more in a large job than in a small one, and whether more workers answer more."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.batches import submitted, wait
from bench.figures import Figure
from bench.light_worker import IMAGE_MS
from bench.outcome import Outcome
from bench.queue import LIGHT, empty
from bench.served import running
from bench.steps import Steps
from bench.usage import processor_s
from cxr.schemas import JobImage
from tests.stack import Stack

REPLICAS = (1, 2, 4)
SIMULATED_IMAGE_MS = 5.0
CONCURRENCY = 2  # chunks that a worker has in hand at once (settings.worker_concurrency)
AT_LEAST_IMAGES = 2000  # of small jobs as many as make this together: a single one is over before it can be timed
READ_PAGE = 1000


@dataclass
class JobSize:
    """Jobs of so many images, and what they took."""

    images: int
    clock_ms: list[float] = field(default_factory=list)  # of an image, from append to the last row read
    processor_ms: list[float] = field(default_factory=list)  # of an image, in worker and Redis
    redis_bytes: list[float] = field(default_factory=list)  # of an image, while its job is kept

    def measure(self, stack: Stack) -> None:
        jobs = max(1, AT_LEAST_IMAGES // self.images)
        images = [empty(self.images) for _ in range(jobs)]
        before_s, before_bytes, start = _used(stack), _redis_bytes(stack), time.perf_counter()
        kept = [_answered(stack, one) for one in images]
        count = jobs * self.images
        self.clock_ms.append(1000 * (time.perf_counter() - start) / count)
        self.processor_ms.append(1000 * (_used(stack) - before_s).total() / count)
        self.redis_bytes.append((_redis_bytes(stack) - before_bytes) / count)
        for job_id in kept:
            stack.jobs.delete(job_id)


def measure(quick: bool, steps: Steps) -> Outcome:
    """Cost of an image from 100 to 100,000 images in one job; memory; one, two and four workers, simulated."""
    rounds, sizes, each = (1, (100, 1000), 1280) if quick else (3, (100, 1000, 10_000, 100_000), 2560)
    jobs, replicas = [JobSize(size) for size in sizes], {count: list[float]() for count in REPLICAS}
    steps.expect(1 + rounds * (len(jobs) + len(replicas)))
    steps.next("starting")
    with ExitStack() as exits:
        stack = exits.enter_context(running("redis", "worker", commands=LIGHT))
        _answered(stack, empty(64))
        for turn in range(1, rounds + 1):
            for job in jobs:
                steps.next(f"round {turn}: jobs of {job.images:,}")
                job.measure(stack)
    for turn in range(1, rounds + 1):
        for count, found in replicas.items():
            steps.next(f"round {turn}: {count} worker(s), simulated engine")
            found.append(_simulated(count, each * count))
    return _outcome(jobs, {count: Figure.of(found) for count, found in replicas.items()})


def _answered(stack: Stack, images: list[JobImage]) -> str:
    """A job from its first image to its last row read, as a client goes through it."""
    job_id = submitted(stack, images)
    wait(stack, job_id)
    for start in range(0, len(images), READ_PAGE):
        rows = list(stack.jobs.results(job_id, start, start + READ_PAGE))
        assert all(row.result for row in rows)
    return job_id


def _simulated(workers: int, images: int) -> float:
    """Images a second of so many workers whose films take their time on an engine that is not here."""
    names = [f"worker-{number}" for number in range(1, workers + 1)]
    with running("redis", *names, commands=LIGHT, **{IMAGE_MS: str(SIMULATED_IMAGE_MS)}) as stack:
        _answered(stack, empty(64 * CONCURRENCY * workers))
        work = empty(images)
        start = time.perf_counter()
        job_id = submitted(stack, work)
        wait(stack, job_id)
        return images / (time.perf_counter() - start)


def _used(stack: Stack) -> Counter[str]:
    return processor_s(stack, "redis", "worker")


def _redis_bytes(stack: Stack) -> float:
    return float(stack.ledger.redis.info("memory")["used_memory"])


def _outcome(jobs: list[JobSize], replicas: dict[int, Figure]) -> Outcome:
    outcome = Outcome("growth", "Growth: large jobs and more workers")
    outcome.say(
        "The queue and the ledger alone: the real gateway's side, worker, Celery and Redis (every write synced), with",
        "made-up answers, so that nothing hides what the ledger costs. An image's time runs from its entry in the",
        "ledger to its row read back.",
    )
    base = next(job for job in jobs if job.images == 1000)
    rows = []
    for job in jobs:
        clock, processor, kept = map(Figure.of, (job.clock_ms, job.processor_ms, job.redis_bytes))
        ratio = clock.ratio_to(Figure.of(base.clock_ms))
        processor_ratio = processor.ratio_to(Figure.of(base.processor_ms))
        rows.append(
            (f"{job.images:,}", clock.text(3), ratio.text(2), processor.text(3), processor_ratio.text(2), kept.text())
        )
        outcome.figures |= {f"{job.images}: ms": clock, f"{job.images}: to 1000": ratio}
        outcome.figures |= {f"{job.images}: processor ms": processor, f"{job.images}: bytes": kept}
        outcome.figures[f"{job.images}: processor to 1000"] = processor_ratio
    columns = "Images a job", "ms an image", "to 1,000", "ms of a processor", "to 1,000", "bytes in Redis"
    outcome.table(columns, rows)
    ideal = CONCURRENCY * 1000 / SIMULATED_IMAGE_MS
    outcome.say(
        f"More workers than this machine has cores for: each film takes {SIMULATED_IMAGE_MS:g} ms on a simulated",
        f"engine elsewhere, so one worker could answer {ideal:.0f} a second at most ({CONCURRENCY} chunks in hand).",
    )
    replica_rows = [
        (f"{count}", found.text(), f"{found.median / (count * ideal):.2f}") for count, found in replicas.items()
    ]
    outcome.table(("Workers", "images/s", "of what they could"), replica_rows)
    outcome.figures |= {f"{count} workers: images/s": found for count, found in replicas.items()}
    return outcome
