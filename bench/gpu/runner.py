"""Networks captured as CUDA graphs, one for each batch size, and the way of films to them and of answers back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bench.gpu.orders import FILM_SHAPE, padded

WARM_UPS = 3  # what PyTorch's own notes on CUDA graphs do before a capture


class Captured:
    """A network at one batch size: ``replay`` reads ``films`` and fills ``outputs``, all on the device.

    Without CUDA a replay is a plain call.
    """

    def __init__(self, network: nn.Module, batch: int, device: str) -> None:
        self.network = network
        self.films = torch.randint(0, 256, (batch, *FILM_SHAPE), dtype=torch.uint8, device=device)
        self.outputs: tuple[Tensor, ...] = ()
        self._graph: torch.cuda.CUDAGraph | None = None
        if device == "cuda":
            self._capture()
        else:
            self.replay()

    @torch.no_grad()
    def _capture(self) -> None:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UPS):
                self.network(self.films)
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self.outputs = self.network(self.films)

    @torch.no_grad()
    def replay(self) -> None:
        if self._graph is None:
            self.outputs = self.network(self.films)
        else:
            self._graph.replay()

    def __call__(self, films: Tensor) -> tuple[Tensor, ...]:
        """[batch,1,224,224] uint8 on the device -> ``outputs``, which the next call overwrites."""
        self.films.copy_(films)
        self.replay()
        return self.outputs


class Runner:
    """Films in host memory to answers in host memory, through page-locked buffers and a stream of its own.

    As many films as fit go into the smallest graph that holds them; what is left of it computes old films.
    """

    def __init__(
        self, network: nn.Module, batches: Sequence[int], device: str, others: dict[int, nn.Module] | None = None
    ) -> None:
        self.batches = tuple(sorted(batches))
        self._cuda = device == "cuda"
        networks = dict.fromkeys(self.batches, network) | (others or {})
        self._captured = {batch: Captured(networks[batch], batch, device) for batch in reversed(self.batches)}
        largest = self._captured[self.batches[-1]]
        self._staged = torch.empty(largest.films.shape, dtype=torch.uint8, pin_memory=self._cuda)
        self._answers = [torch.empty(out.shape, dtype=out.dtype, pin_memory=self._cuda) for out in largest.outputs]
        self._stream: Any = torch.cuda.Stream() if self._cuda else None

    def __call__(self, parts: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Parts [n,1,224,224] uint8 of one batch -> PROBABILITY [N,1], HEATMAP [N,h,w], OOD_SCORE [N,1]."""
        count, staged = 0, self._staged.numpy()
        for part in parts:
            staged[count : count + len(part)] = part
            count += len(part)
        captured = self._captured[padded(count, self.batches)]
        with torch.cuda.stream(self._stream):
            captured.films[:count].copy_(self._staged[:count], non_blocking=True)
            captured.replay()
            for answer, output in zip(self._answers, captured.outputs, strict=True):
                answer[:count].copy_(output[:count], non_blocking=True)
        if self._cuda:
            self._stream.synchronize()
        return [answer[:count].numpy().copy() for answer in self._answers]
