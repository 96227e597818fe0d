"""The exported graph run by PyTorch: each node one call of torch, the weights the served model's own.

Batch normalisation is already folded into the convolutions, as no user's training code has it: it favours the peers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch.nn import functional

DTYPES = {onnx.TensorProto.FLOAT: torch.float32, onnx.TensorProto.FLOAT16: torch.float16}
OUTPUTS = ("PROBABILITY", "HEATMAP", "OOD_SCORE")


def conv(x: Any, weight: Any, bias: Any = None, *, group: int, pads: list[int], strides: list[int], **_: Any) -> Any:
    before, after = pads[:2], pads[2:]
    if before != after:
        x, before = functional.pad(x, (before[1], after[1], before[0], after[0])), [0, 0]
    return functional.conv2d(x, weight, bias, strides, before, 1, group)


def largest(x: Any, *, kernel_shape: list[int], pads: list[int], strides: list[int], **_: Any) -> Any:
    return functional.max_pool2d(x, kernel_shape, strides, pads[:2])


def mean(x: Any, axes: Any, *, keepdims: int = 1, **_: Any) -> Any:
    return x.mean(axes.tolist(), keepdim=bool(keepdims))


def total(x: Any, axes: Any, *, keepdims: int = 1, **_: Any) -> Any:
    return x.sum(axes.tolist(), keepdim=bool(keepdims))


def cut(x: Any, starts: Any, ends: Any, axes: Any, steps: Any) -> Any:
    slices = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts.tolist(), ends.tolist(), axes.tolist(), steps.tolist(), strict=True):
        slices[axis] = slice(start, end, step)
    return x[tuple(slices)]


def reshape(x: Any, shape: Any, **_: Any) -> Any:
    return x.reshape(shape.tolist())


def unsqueeze(x: Any, axes: Any) -> Any:
    return x.unsqueeze(int(axes))


OPERATIONS: dict[str, Callable[..., Any]] = {
    "Conv": conv,
    "MaxPool": largest,
    "Relu": torch.relu,
    "Clip": lambda x, low, high: torch.clamp(x, low, high),
    "ReduceMean": mean,
    "ReduceSum": total,
    "Slice": cut,
    "Reshape": reshape,
    "Unsqueeze": unsqueeze,
    "Squeeze": lambda x, axes: x.squeeze(axes.tolist()),
    "Transpose": lambda x, perm: x.permute(perm),
    "Concat": lambda *parts, axis: torch.cat(parts, axis),
    "Cast": lambda x, to, **_: x.to(DTYPES[to]),
    "Pow": lambda x, power: x.square() if float(power) == 2 else x**power,
    "Add": torch.add,
    "Sub": torch.sub,
    "Mul": torch.mul,
    "Div": torch.div,
    "MatMul": torch.matmul,
    "Floor": torch.floor,
    "Sqrt": torch.sqrt,
    "Log": torch.log,
    "Sigmoid": torch.sigmoid,
}


class Graph(torch.nn.Module):
    """[N,1,224,224] uint8 to the three outputs of the tensor contract."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        graph = onnx.load(path).graph
        self._known = {one.name: torch.from_numpy(onnx.numpy_helper.to_array(one).copy()) for one in graph.initializer}
        self._nodes = []
        for node in graph.node:
            options = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
            if all(name in self._known for name in node.input):  # constants are computed once
                self._known[node.output[0]] = OPERATIONS[node.op_type](*map(self._known.get, node.input), **options)
            else:
                self._nodes.append((OPERATIONS[node.op_type], list(node.input), node.output[0], options))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        values = {**self._known, "IMAGE": image}
        for operation, inputs, output, options in self._nodes:
            values[output] = operation(*(values[name] for name in inputs if name), **options)
        return tuple(values[name] for name in OUTPUTS)


def scorer(path: Path) -> Callable[[Any], dict[str, Any]]:
    """Score [N,1,224,224] uint8 as PyTorch users do: eager, without gradients."""
    model = Graph(path).eval()

    def score(films: Any) -> dict[str, Any]:
        with torch.inference_mode():
            answers = model(torch.from_numpy(np.ascontiguousarray(films)))
        return {name: answer.numpy() for name, answer in zip(OUTPUTS, answers, strict=True)}

    return score
