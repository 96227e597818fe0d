"""Convolution weights that fit into 16 bits, so that the graph's file is half as large; all arithmetic stays fp32.

A network's weights are rounded once, when its training ends, so that calibration, figures and engines all speak of the
network that ships. The exporter multiplies each convolution by the batch normalisation behind it; so it is that product
which is rounded, and the file then loses nothing more.
"""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

# A folded product differs from its rounded value by fp32's own rounding (2^-24, twice) and no more.
LOSSLESS = 1e-6
# fp16 holds magnitudes below this only in steps of 2^-24.
SMALLEST_NORMAL_HALF = 2.0**-14


@torch.no_grad()
def round_to_half(network: nn.Module) -> None:
    """Round, in place, every convolution weight so that its product with the following normalisation is an fp16 number.

    A convolution without a normalisation behind it is rounded as it is.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.BatchNorm2d)]
    for layer, following in zip(layers, [*layers[1:], None], strict=True):
        if isinstance(layer, nn.Conv2d):
            scale = _scale_of(following, layer.out_channels)
            folded = (layer.weight.double() * scale).to(torch.float16).double()
            layer.weight.copy_(torch.where(scale != 0, folded / scale, layer.weight.double()))


def _scale_of(following: nn.Module | None, channels: int) -> torch.Tensor:
    """[channels,1,1,1]: what the normalisation behind a convolution multiplies each of its channels by."""
    if not isinstance(following, nn.BatchNorm2d) or following.num_features != channels:
        return torch.ones(channels, 1, 1, 1, dtype=torch.float64)
    assert following.running_var is not None
    deviation = (following.running_var.double() + following.eps).sqrt()
    return (following.weight.double() / deviation).view(-1, 1, 1, 1)


def store_in_half(model: onnx.ModelProto) -> int:
    """Store the convolution weights that lose nothing by it as fp16, widened by a ``Cast``; gives their number."""
    graph = model.graph
    convolved = {node.input[1] for node in graph.node if node.op_type == "Conv"}
    casts = []
    for tensor in graph.initializer:
        if tensor.name not in convolved or tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        half = values.astype(np.float16)
        if not np.allclose(half.astype(np.float32), values, rtol=LOSSLESS, atol=LOSSLESS * SMALLEST_NORMAL_HALF):
            continue
        widened, stored = tensor.name, f"{tensor.name}_half"
        casts.append(onnx.helper.make_node("Cast", [stored], [widened], f"widen_{widened}", to=onnx.TensorProto.FLOAT))
        tensor.CopyFrom(numpy_helper.from_array(half, stored))
    for position, cast in enumerate(casts):
        graph.node.insert(position, cast)
    return len(casts)


def store_in_full(model: onnx.ModelProto) -> int:
    """Undo ``store_in_half`` for tools that look for weights beside their convolution; gives their number."""
    graph = model.graph
    halves = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT16}
    casts = [node for node in graph.node if node.op_type == "Cast" and node.input[0] in halves]
    for cast in casts:
        half = halves[cast.input[0]]
        half.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(half).astype(np.float32), cast.output[0]))
        graph.node.remove(cast)
    return len(casts)
