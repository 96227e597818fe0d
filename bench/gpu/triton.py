"""The model inside Triton, asked over gRPC: every request size with every number of requests in flight."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.figures import percentile
from bench.gpu.clients import Clients, clients
from bench.gpu.orders import IN_FLIGHT, OUTPUTS, REQUEST_SIZES, Keep, Orders
from bench.gpu.server import MODEL, serving
from bench.machine import cores

MOST_CLIENTS = 12
CHECKED_FILMS = 5  # no size of a captured graph: padding is checked with it
MOST_FILMS_IN_FLIGHT = 4096  # with more, a request waits longer than is measured


def measure(orders: Orders, keep: Keep) -> None:
    """Images a second, p50 and p99 of a request, and films in the batches that Triton made of them."""
    count = 2 if orders.quick else max(1, min(MOST_CLIENTS, cores() - 2))
    found: dict[str, Any] = {"clients": count, "instances": orders.instances, "points": [], "missed": []}
    found["compiled"] = orders.serve_compiled
    films = np.random.default_rng(0).integers(0, 256, (CHECKED_FILMS, 1, 14, 14), np.uint8).repeat(16, 2).repeat(16, 3)
    with ExitStack() as exits:
        beside = exits.enter_context(ThreadPoolExecutor(1))
        expected = beside.submit(reference, orders.model, films)  # while the server starts
        url = exits.enter_context(serving(orders, Path(exits.enter_context(tempfile.TemporaryDirectory()))))
        statistics = Statistics(url)
        found["version"] = statistics.version
        found["largest"] = max(float(np.abs(answer(url, films) - expected.result()).max()) for _ in range(2))
        keep(found)
        with clients(url, count) as asking:
            for size in (1, 8) if orders.quick else REQUEST_SIZES:
                for in_flight in (1, 4) if orders.quick else IN_FLIGHT:
                    if size * in_flight > MOST_FILMS_IN_FLIGHT:
                        continue
                    if orders.late:
                        found["missed"].append([size, in_flight])
                        continue
                    point = _point(asking, statistics, size, in_flight, 0.5 if orders.quick else 1.2)
                    if point["calls"]:
                        found["points"].append(point)
                    else:
                        found["missed"].append([size, in_flight])
                    keep(found)


def reference(path: str, films: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities [N,1] of plain fp32 on the CPU."""
    import torch

    from bench.gpu.networks import load

    with torch.no_grad():
        probability: NDArray[np.float32] = load(path, "cpu")(torch.from_numpy(films))[0].numpy()
    return probability


def answer(url: str, films: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Probabilities [N,1] that the server says."""
    import tritonclient.grpc as triton

    asked = triton.InferInput("IMAGE", list(films.shape), "UINT8")
    asked.set_data_from_numpy(films)
    said: NDArray[np.float32] = triton.InferenceServerClient(url).infer(MODEL, [asked]).as_numpy(OUTPUTS[0])
    return said


def _point(asking: Clients, statistics: Statistics, size: int, in_flight: int, seconds: float) -> dict[str, float]:
    films, batches = statistics.read()
    calls = asking.ask(size, in_flight, seconds)
    films_after, batches_after = statistics.read()
    return {
        "size": size,
        "in_flight": in_flight,
        "per_s": size * len(calls) / seconds,
        "p50_ms": 1000 * percentile(calls, 50) if calls else 0.0,
        "p99_ms": 1000 * percentile(calls, 99) if calls else 0.0,
        "calls": len(calls),
        "batch": (films_after - films) / max(1, batches_after - batches),
    }


class Statistics:
    """What the server itself counted."""

    def __init__(self, url: str) -> None:
        import tritonclient.grpc as triton

        self._client = triton.InferenceServerClient(url)
        self.version = str(self._client.get_server_metadata().version)

    def read(self) -> tuple[int, int]:
        """Films computed so far, and batches."""
        counted = self._client.get_inference_statistics(MODEL).model_stats[0]
        return int(counted.inference_count), int(counted.execution_count)
