"""Which convolutions an int8 graph keeps in fp32."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer's environment is not installed")

import onnx
from onnx import TensorProto, helper, numpy_helper

from trainer.precision import INT8_FP32_HEAD, heads_and_last


def two_networks(*lengths: int) -> onnx.ModelProto:
    """So many convolutions in a row each, the last with one channel, with activations between."""
    nodes, weights = [], []
    for network, length in enumerate(lengths):
        before = "IMAGE"
        for place in range(length):
            name, channels = f"{network}.{place}", 1 if place == length - 1 else 4
            weights.append(numpy_helper.from_array(np.zeros((channels, 4, 1, 1), np.float32), f"weight {name}"))
            nodes.append(helper.make_node("Conv", [before, f"weight {name}"], [f"conv {name}"], name))
            before = f"relu {name}"
            nodes.append(helper.make_node("Relu", [f"conv {name}"], [before], before))
    image = helper.make_tensor_value_info("IMAGE", TensorProto.FLOAT, [None, 4, 8, 8])
    return helper.make_model(helper.make_graph(nodes, "networks", [image], [], weights))


def test_the_first_and_the_last_of_each_network_stay_in_fp32() -> None:
    first = [f"0.{place}" for place in range(INT8_FP32_HEAD)]
    second = [f"1.{place}" for place in range(INT8_FP32_HEAD)]
    assert heads_and_last(two_networks(12, 20)) == [*first, "0.11", *second, "1.19"]
