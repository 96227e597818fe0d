"""``python -m bench.loads KIND ORDERS``: one load in a process of its own, started and told what to do by ``Apart``.

A line in, ``{"seconds": ..., "in_flight": ..., "batch": ...}``, a measurement out. Threads of one engine that wait for
work in a busy loop, as ONNX Runtime's do, would slow another engine of the same process down.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np

from bench.drive import drive
from bench.films import originals

Call = Callable[[], int]
Load = Callable[[int], Call]  # how many films at a time -> what to do


def decode(function: str = "preprocess") -> Load:
    """Decode the sample films one after the other: as the worker does, or as a few lines of Pillow do."""
    if function == "preprocess":
        from cxr.imaging import preprocess as one
    else:
        from bench.peers.decoding import plain as one  # type: ignore[assignment]
    waiting: SimpleQueue[bytes] = SimpleQueue()
    for film in originals():
        waiting.put(film)

    def of(batch: int) -> Call:
        def call() -> int:
            for _ in range(batch):
                film = waiting.get()
                one(film)
                waiting.put(film)
            return batch

        return call

    return of


def openvino(path: str, precision: str = "f32", streams: int = 0, slice_size: int = 8) -> Load:
    """OpenVINO as fast as it goes: ``slice_size`` films an inference request, all streams busy."""
    import openvino as ov

    properties: dict[str, Any] = {"INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "THROUGHPUT"}
    if streams:
        properties["NUM_STREAMS"] = streams
    compiled = ov.Core().compile_model(path, "CPU", properties)
    requests = ov.AsyncInferQueue(compiled)

    def of(batch: int) -> Call:
        batches = _batches(batch)

        def call() -> int:
            films = next(batches)
            for start in range(0, batch, slice_size):
                requests.start_async({"IMAGE": films[start : start + slice_size]}, share_inputs=True)
            requests.wait_all()
            return batch

        return call

    return of


def onnxruntime(path: str) -> Load:
    """ONNX Runtime in fp32, its own choice of threads."""
    import onnxruntime as ort

    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return _scoring(lambda films: session.run(None, {"IMAGE": films}))


def program(folder: str, engine: str) -> Load:
    """The very program that Triton serves (``model.py``), without Triton around it."""
    from cxr.schemas import ModelCard
    from trainer.served_program import program_scorer

    version = Path(folder)
    card = ModelCard.model_validate_json((version / "manifest.json").read_text())
    return _scoring(program_scorer(version / "model.py", version, card, engine))


def triton(url: str, model: str) -> Load:
    """The same program inside Triton, asked over gRPC."""
    from cxr.triton import ModelClient

    return _scoring(ModelClient(url, model).infer)


LOADS: dict[str, Callable[..., Load]] = {
    load.__name__: load for load in (decode, openvino, onnxruntime, program, triton)
}


def _scoring(score: Callable[[Any], object]) -> Load:
    def of(batch: int) -> Call:
        batches = _batches(batch)

        def call() -> int:
            score(next(batches))
            return batch

        return call

    return of


def _batches(size: int) -> Iterator[Any]:
    """All the real films in turn, ``size`` at a time: an engine that looks twice at doubtful ones has them."""
    films = cycle(_decoded())
    return cycle([np.stack([*islice(films, size)]) for _ in range(-(-len(_decoded()) // size))])


@cache
def _decoded() -> tuple[Any, ...]:
    from cxr.imaging import preprocess

    return tuple(preprocess(film) for film in originals())


def main() -> None:
    load = LOADS[sys.argv[1]](**json.loads(sys.argv[2]))
    load(1)()  # the first time takes longer
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        call = load(order["batch"])
        print(json.dumps(asdict(drive(call, order["seconds"], order["in_flight"]))), flush=True)


if __name__ == "__main__":
    main()
