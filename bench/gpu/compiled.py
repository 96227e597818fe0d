"""The network compiled by ``torch.compile``, then captured: what fusing layers gains over graphs alone."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import nn

from bench.gpu.in_process import GRAPHS, Films, in_turns
from bench.gpu.networks import in_half, load
from bench.gpu.orders import COMPILED_BATCHES, Keep, Orders
from bench.gpu.runner import Captured

COMPILED = "fp16, compiled, CUDA graphs"


class NothingToCompileFor(RuntimeError):
    """The part asks for CUDA."""


def compiled(network: nn.Module) -> nn.Module:
    """For one batch size: the shapes are part of the program."""
    made: nn.Module = torch.compile(network, dynamic=False)
    return made


def measure(orders: Orders, keep: Keep) -> None:
    """As in process, beside the graphs that are not compiled; and how long compiling took."""
    if orders.device != "cuda":
        raise NothingToCompileFor("compiled graphs are measured with CUDA alone")
    half, films = in_half(load(orders.model, orders.device), orders.device), Films(orders)
    found: dict[str, Any] = {"ms": {}, "compile_s": {}, "missed": []}
    for batch in (8,) if orders.quick else COMPILED_BATCHES:
        if orders.late:
            found["missed"].append(batch)
            continue
        start = time.monotonic()
        faster = Captured(compiled(half), batch, orders.device)
        found["compile_s"][str(batch)] = time.monotonic() - start
        ways = {GRAPHS: Captured(half, batch, orders.device), COMPILED: faster}
        for name, times in in_turns(ways, films, batch, orders).items():
            found["ms"].setdefault(name, {})[str(batch)] = times
        keep(found)
