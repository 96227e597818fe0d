"""Chunks against one task an image, near the broker and 2 ms away from it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench import one_by_one
from bench.batches import TIMEOUT_S, stored, submitted, wait
from bench.figures import Figure
from bench.films import repeated
from bench.machine import cores
from bench.outcome import Outcome
from bench.served import running
from bench.steps import Steps
from cxr.schemas import JobImage
from deploy.local.settings import port_is_free
from tests.stack import Stack, free_port, wait_until

ROUND_TRIP_MS = 2.0
LIGHT = {"worker": "python -m bench.light_worker"}
TASKS = f"python -m celery -A bench.one_by_one worker --concurrency={cores()} --without-gossip --without-mingle"
DELAY = "python -m bench.delay {listen} {target} {one_way_ms}"
NEAR, FAR = "beside the broker", f"{ROUND_TRIP_MS:g} ms from the broker"


@dataclass
class Contestant:
    """One way of sending images to workers; ``send`` judges so many of them."""

    name: str
    place: str
    work: str
    images: int
    send: Callable[[int], None]
    images_per_s: list[float] = field(default_factory=list)

    def measure(self) -> None:
        start = time.perf_counter()
        self.send(self.images)
        self.images_per_s.append(self.images / (time.perf_counter() - start))


def measure(quick: bool, steps: Steps) -> Outcome:
    """Images a second by chunks against one Celery task an image, also with 2 ms to the broker."""
    rounds = 1 if quick else 3
    with ExitStack() as exits:
        steps.next("starting")
        parts = ("redis",) if quick else ("redis", "triton")
        base = exits.enter_context(running(*parts))
        contestants = list(_contestants(base, exits, quick))
        for contestant in contestants:
            contestant.send(8)
        steps.expect(1 + rounds * len(contestants))
        for turn in range(1, rounds + 1):
            for one in contestants:
                steps.next(f"round {turn}: {one.images:,} {one.work}, {one.name}, {one.place}")
                one.measure()
    return _outcome(contestants)


def _contestants(base: Stack, exits: ExitStack, quick: bool) -> Iterator[Contestant]:
    """Each has a Redis database of its own, so that none takes another's messages."""
    database = iter(range(16))
    sizes = (
        {NEAR: (640, 80, 80), FAR: (640, 40, 40)} if quick else {NEAR: (10_000, 2000, 2000), FAR: (10_000, 300, 300)}
    )
    near, far = base.local.redis_port, free_port()
    delay = DELAY.format(listen=far, target=near, one_way_ms=ROUND_TRIP_MS / 2)
    exits.enter_context(running("delay", commands={"delay": delay}))
    wait_until(lambda: not port_is_free(far), 60, "the proxy")
    for place, port in ((NEAR, near), (FAR, far)):
        chunked, single, tasks = sizes[place]
        empty = "empty films"
        yield Contestant("chunks of 64", place, empty, chunked, _ours(base, exits, port, next(database), "64"))
        yield Contestant("chunks of one", place, empty, single, _ours(base, exits, port, next(database), "1"))
        yield Contestant("one task an image", place, empty, tasks, _tasks(base, exits, port, next(database)))
    if not quick:
        films = stored(base, repeated(1000))
        for place, port in ((NEAR, near), (FAR, far)):
            real = "real films"
            yield Contestant("chunks of 64", place, real, 1000, _ours(base, exits, port, next(database), "64", films))
            yield Contestant("one task an image", place, real, 500, _tasks(base, exits, port, next(database), films))


def _ours(
    base: Stack, exits: ExitStack, port: int, database: int, chunk_size: str, films: list[JobImage] | None = None
) -> Callable[[int], None]:
    environment = {
        "CXR_REDIS_URL": f"redis://127.0.0.1:{port}/{database}",
        "CXR_TRITON_URL": base.settings.triton_url,
        "CXR_BLOBS_DIR": str(base.settings.blobs_dir),
        "CXR_CHUNK_SIZE": chunk_size,
    }
    stack = exits.enter_context(running("worker", commands=None if films else LIGHT, **environment))

    def send(count: int) -> None:
        job_id = submitted(stack, films[:count] if films else empty(count))
        wait(stack, job_id)
        stack.jobs.delete(job_id)

    return send


def _tasks(
    base: Stack, exits: ExitStack, port: int, database: int, films: list[JobImage] | None = None
) -> Callable[[int], None]:
    url = f"redis://127.0.0.1:{port}/{database}"
    environment = {one_by_one.REDIS: url}
    if films:
        environment |= {one_by_one.TRITON: base.settings.triton_url, one_by_one.BLOBS: str(base.settings.blobs_dir)}
    exits.enter_context(running("worker", commands={"worker": TASKS}, **environment))
    app = one_by_one.celery_app(url)

    def send(count: int) -> None:
        with app.producer_or_acquire() as producer:
            sent = [
                app.send_task(one_by_one.JUDGE, (image.sha256,), producer=producer)
                for image in (films[:count] if films else empty(count))
            ]
        for task in sent:
            task.get(timeout=TIMEOUT_S)

    return send


def empty(count: int) -> list[JobImage]:
    """Images that nobody ever stored, each another."""
    return [JobImage(name="film", sha256=secrets.token_hex(32), size_bytes=1) for _ in range(count)]


def _outcome(contestants: list[Contestant]) -> Outcome:
    outcome = Outcome("queue", "Queue: chunks against one task an image")
    outcome.say(
        "*Empty films*: decoding and model cost nothing; what is left is the queue and, for ours, the ledger with its",
        "leases and answers. *Real films* are read, decoded and scored by Triton on both sides. *Chunks of one*: our",
        "worker with `CXR_CHUNK_SIZE=1`. *One task an image*: Celery as tutorials have it, as many processes as cores,",
        "results in its Redis backend. Broker and ledger are one Redis that syncs every write;",
        f"{FAR}: a proxy on loopback that delays each direction by half of it. Time runs from the first message to the",
        "last answer.",
    )
    rows, found = [], {(one.work, one.place, one.name): Figure.of(one.images_per_s) for one in contestants}
    for (work, place, name), figure in found.items():
        against = found[work, place, "one task an image"]
        ratio = "" if figure is against else f"{figure.ratio_to(against).text(1)} x"
        rows.append((f"{work}, {place}", name, figure.text(), ratio))
        outcome.figures[f"{work}, {place}, {name}: images/s"] = figure
        if figure is not against:
            outcome.figures[f"{work}, {place}, {name}: ratio"] = figure.ratio_to(against)
    outcome.table(("Work and place", "Way", "images/s", "to one task an image"), rows)
    return outcome
