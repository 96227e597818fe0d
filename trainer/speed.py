"""Step ``speed``: throughput of a served graph in OpenVINO beside EfficientNet-Lite0 at 224 px, the project's
yardstick.
"""

from __future__ import annotations

import time
from typing import Annotated

import numpy as np
import openvino
import torch
import typer
from rich.console import Console
from torch import nn

from cxr.imaging import IMAGE_SIZE_PX
from trainer.model import Classifier
from trainer.runs import Run, RunName
from trainer.served import served_of

BATCH, ROUNDS = 16, 5
YARDSTICK = "EfficientNet-Lite0 at 224 px"


def speed(
    run: RunName,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 2,
    precision: Annotated[str, typer.Option(help="bf16 or f32.")] = "bf16",
    seconds: Annotated[float, typer.Option(help="Length of each of five rounds.")] = 2.0,
) -> None:
    """Write throughput.json; the graphs take turns, and the best of five rounds counts, so that other load harms
    both alike.
    """
    folder = Run(run)
    served = served_of(folder)
    graphs = {"this model": served.model, YARDSTICK: Classifier("efficientnet_lite0", IMAGE_SIZE_PX)}
    rates = images_per_s(graphs, threads, precision, seconds)
    content = {"precision": precision, "batch": BATCH, "threads": threads, "images_per_s": rates}
    folder.write_proof("throughput.json", served.weights_sha256, content)
    Console().print(content)


def images_per_s(graphs: dict[str, nn.Module], threads: int, precision: str, seconds: float) -> dict[str, float]:
    """Best rate of each graph over five rounds in turn."""
    films = np.random.default_rng(0).integers(0, 256, (BATCH, 1, IMAGE_SIZE_PX, IMAGE_SIZE_PX), np.uint8)
    compiled = {name: compile_graph(graph, threads, precision) for name, graph in graphs.items()}
    best = dict.fromkeys(graphs, 0.0)
    for _ in range(ROUNDS):
        for name, graph in compiled.items():
            graph(films)
            done, start = 0, time.perf_counter()
            while time.perf_counter() - start < seconds:
                graph(films)
                done += BATCH
            best[name] = max(best[name], done / (time.perf_counter() - start))
    return best


def compile_graph(graph: nn.Module, threads: int, precision: str) -> openvino.CompiledModel:
    """Convert without a detour over ONNX and compile for this CPU."""
    example = torch.zeros(BATCH, 1, IMAGE_SIZE_PX, IMAGE_SIZE_PX, dtype=torch.uint8)
    model = openvino.convert_model(graph.eval(), example_input=example)
    options = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads}
    return openvino.Core().compile_model(model, "CPU", options)
