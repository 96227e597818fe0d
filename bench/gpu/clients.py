"""Clients in processes of their own, several threads each: one Python process cannot keep a GPU busy."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, cycle
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from bench.gpu.orders import FILM_SHAPE, OUTPUTS
from bench.gpu.server import MODEL

WARM_UP_S = 0.5
INPUTS = 4  # different films, in turn, for each size


@dataclass(frozen=True)
class Order:
    """From ``begin`` (monotonic seconds, the same clock in every process) until ``end``; before, to warm up."""

    size: int
    threads: int
    begin: float
    end: float


class Clients:
    """Processes that ask one server, each when it is told to."""

    def __init__(self, pipes: list[Connection]) -> None:
        self._pipes = pipes

    def ask(self, size: int, in_flight: int, seconds: float) -> list[float]:
        """Seconds of every request of ``size`` films that ended in ``seconds``, while ``in_flight`` are asked for.

        Raises ``RuntimeError`` where a client failed.
        """
        shares = [len(range(number, in_flight, len(self._pipes))) for number in range(len(self._pipes))]
        asked = [(pipe, threads) for pipe, threads in zip(self._pipes, shares, strict=True) if threads]
        for pipe, _ in asked:
            pipe.send(size)
        for pipe, _ in asked:
            pipe.recv()
        begin = time.monotonic() + WARM_UP_S
        for pipe, threads in asked:
            pipe.send(Order(size, threads, begin, begin + seconds))
        answers = [pipe.recv() for pipe, _ in asked]
        for answer in answers:
            if isinstance(answer, str):
                raise RuntimeError(answer)
        return [call_s for answer in answers for call_s in answer]


@contextmanager
def clients(url: str, count: int) -> Iterator[Clients]:
    """``count`` processes, connected."""
    fresh = multiprocessing.get_context("spawn")
    ends = [fresh.Pipe() for _ in range(count)]
    processes = [fresh.Process(target=obey, args=(url, theirs), daemon=True) for _, theirs in ends]
    for process in processes:
        process.start()
    pipes = [ours for ours, _ in ends]
    try:
        for pipe in pipes:
            pipe.recv()
        yield Clients(pipes)
    finally:
        for pipe in pipes:
            pipe.send(None)
        for process in processes:
            process.join(5)


def obey(url: str, pipe: Connection) -> None:
    """What a client process does: a size in, an order in, the seconds of its calls (or what went wrong) out."""
    import tritonclient.grpc as triton

    client = triton.InferenceServerClient(url)
    pipe.send("ready")
    made: dict[int, list[Any]] = {}
    while (size := pipe.recv()) is not None:
        if size not in made:
            made[size] = [_input(size) for _ in range(INPUTS)]
        pipe.send("ready")
        order = pipe.recv()
        try:
            pipe.send(_calls(client, made[order.size], order))
        except Exception as error:  # noqa: BLE001  (raised again where the order came from)
            pipe.send(f"{type(error).__name__}: {error}")


def _input(size: int) -> Any:
    import tritonclient.grpc as triton

    made = triton.InferInput("IMAGE", [size, *FILM_SHAPE], "UINT8")
    made.set_data_from_numpy(np.random.default_rng().integers(0, 256, (size, *FILM_SHAPE), np.uint8))
    return made


def _calls(client: Any, inputs: list[Any], order: Order) -> list[float]:
    def repeat(_: int) -> list[float]:
        calls = []
        for one in cycle(inputs):
            start = time.monotonic()
            if start > order.end:
                break
            answer = client.infer(MODEL, [one])
            end = time.monotonic()
            if answer.as_numpy(OUTPUTS[0]).shape != (order.size, 1):
                raise RuntimeError("an answer has not as many rows as were asked for")
            if order.begin <= end <= order.end:
                calls.append(end - start)
        return calls

    with ThreadPoolExecutor(order.threads) as threads:
        return list(chain.from_iterable(threads.map(repeat, range(order.threads))))
