"""Triton Python backend: films to answers through captured CUDA graphs, for GPUs without TensorRT.

    IMAGE uint8 [N,1,224,224]  ->  PROBABILITY fp32 [N,1], HEATMAP fp32 [N,h,w], OOD_SCORE fp32 [N,1]

Read from the config's ``parameters``: ``served``, the file of the network; ``device``; ``batches``, the sizes to
capture; ``compiled``, those of them that are compiled before. ``bench`` and ``trainer`` are imported from the Python
path of the server. The requests that Triton batched are computed as one, and answered one by one.
"""

import ctypes
import json

import numpy as np
import triton_python_backend_utils as pb_utils

from bench.gpu.networks import in_half, load
from bench.gpu.orders import OUTPUTS
from bench.gpu.runner import Runner


class TritonPythonModel:
    """One instance has graphs, buffers and a stream of its own; Triton calls it from one thread."""

    def initialize(self, args):
        config = json.loads(args["model_config"])
        parameters = {key: entry["string_value"] for key, entry in config["parameters"].items()}
        device, others = parameters["device"], {}
        network = in_half(load(parameters["served"], device), device)
        for batch in json.loads(parameters["compiled"]):
            from bench.gpu.compiled import compiled

            others[batch] = compiled(network)
        self.run = Runner(network, json.loads(parameters["batches"]), device, others)

    def execute(self, requests):
        parts = [np.from_dlpack(pb_utils.get_input_tensor_by_name(request, "IMAGE")) for request in requests]
        answers = self.run(parts)
        responses, start = [], 0
        for part in parts:
            rows = [answer[start : start + len(part)].copy() for answer in answers]
            tensors = [to_tensor(name, values) for name, values in zip(OUTPUTS, rows, strict=True)]
            responses.append(pb_utils.InferenceResponse(tensors))
            start += len(part)
        return responses


def to_tensor(name, array):
    """A Triton tensor over a numpy array's memory, as in ``model_repository``'s program: the stub of Triton 2.51 knows
    numpy 2 only through DLPack, and frees the memory itself.
    """
    capsule = array.__dlpack__()
    tensor = pb_utils.Tensor.from_dlpack(name, capsule)
    ctypes.pythonapi.PyCapsule_SetDestructor(ctypes.py_object(capsule), None)
    return tensor
