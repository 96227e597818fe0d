"""How long one person waits for one film, alone and while the workers are busy with a batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, cycle

import numpy as np

from bench.batches import judged, stored, warm
from bench.feeder import busy
from bench.figures import Figure, percentile
from bench.films import numbered, originals, repeated
from bench.outcome import Outcome
from bench.peers.ours import by_files, by_jobs
from bench.served import running
from bench.steps import Steps
from cxr.imaging import preprocess
from cxr.schemas import QueueName
from tests.stack import Stack

PERCENTS = (50, 95, 99)
PAUSE_S = 0.02  # between two films of one person
LEDGER, HTTP = "job through queue and ledger", "job over HTTP (`POST /v1/jobs`, then asked for)"
FILES, TENSOR = "gRPC, whole file (`pneumonia`)", "gRPC, tensor (`pneumonia_classifier`)"


@dataclass
class Door:
    """One way to have one film judged; ``idle`` and ``busy`` hold each round's waiting times in seconds."""

    name: str
    call: Callable[[], object]
    idle: list[list[float]] = field(default_factory=list)
    busy: list[list[float]] = field(default_factory=list)

    def waits(self, films: int) -> list[float]:
        waited = []
        for _ in range(films):
            start = time.perf_counter()
            self.call()
            waited.append(time.perf_counter() - start)
            time.sleep(PAUSE_S)
        return waited


def measure(quick: bool, steps: Steps) -> Outcome:
    """How long one film takes, alone and beside a full batch: p50, p95, p99; over HTTP, over gRPC as file or tensor."""
    rounds, films, batch = (1, 10, 64) if quick else (3, 120, 1500)
    steps.next("starting")
    with running("redis", "triton", "worker", "gateway") as stack:
        images = stored(stack, repeated(batch, "batch-"))
        warm(stack, images[:64], 1)
        doors = list(_doors(stack))
        for door in doors:
            door.waits(5)
        steps.expect(1 + 2 * rounds * len(doors))
        for turn in range(1, rounds + 1):
            for door in doors:
                steps.next(f"round {turn}: {door.name}, idle")
                door.idle.append(door.waits(films))
            with busy(stack, images):
                for door in doors:
                    steps.next(f"round {turn}: {door.name}, beside a batch")
                    door.busy.append(door.waits(films))
    return _outcome(doors, rounds * films)


def _doors(stack: Stack) -> Iterator[Door]:
    films, number = cycle(originals()), count()
    tensors = cycle([np.stack([preprocess(film)]) for film in originals()])

    def by_ledger() -> None:
        images = stored(stack, [numbered(next(films), f"one-{next(number)}")])
        judged(stack, images, QueueName.INTERACTIVE)

    yield Door(LEDGER, by_ledger)
    yield Door(HTTP, by_jobs(stack, films_per_job=1))
    yield Door(FILES, by_files(stack))
    yield Door(TENSOR, lambda: stack.model.infer(next(tensors)))


def _outcome(doors: list[Door], films: int) -> Outcome:
    outcome = Outcome("interactive", "Interactive: how long one film takes")
    outcome.say(
        "One person, one film after the other, alone (*idle*) and while every core works on a batch of films (*busy*).",
        f"Milliseconds, {films} films each, in rounds that take turns: the median of the rounds' percentiles. The",
        "ratio is busy over idle. Jobs are asked for every few milliseconds until they are done.",
    )
    rows = []
    for door in doors:
        cells = []
        for percent in PERCENTS:
            idle, busy = (
                Figure.of(1000 * percentile(waits, percent) for waits in rounds) for rounds in (door.idle, door.busy)
            )
            cells += [f"{idle.median:.1f}", f"{busy.median:.1f}"]
            outcome.figures |= {f"{door.name}: idle p{percent} ms": idle, f"{door.name}: busy p{percent} ms": busy}
        ratio = busy.ratio_to(idle)
        outcome.figures[f"{door.name}: p99 busy to idle"] = ratio
        rows.append((door.name, *cells, ratio.text(1)))
    columns = [f"p{percent} {state}" for percent in PERCENTS for state in ("idle", "busy")]
    outcome.table(("Door", *columns, "p99 ratio"), rows)
    return outcome
