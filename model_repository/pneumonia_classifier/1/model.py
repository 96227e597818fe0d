"""Triton Python backend: scores films with this version's model.onnx on the CPU, through OpenVINO.

    IMAGE uint8 [N,1,S,S]  ->  PROBABILITY fp32 [N,1], HEATMAP fp32 [N,h,w], OOD_SCORE fp32 [N,1]

Triton's dynamic batcher hands over several requests at once. They are scored as one batch, cut into slices that the
OpenVINO streams work on side by side: a slice's activations stay in the core's cache, a batch of 64 does not.

Read from the config's ``parameters``: ``engine`` (``openvino-bf16``, ``openvino-fp32`` or ``openvino-int8``),
``slice_size`` (films per slice), ``streams`` and ``threads`` (0: OpenVINO's choice, one stream per core).
"""

import ctypes
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import openvino as ov
import triton_python_backend_utils as pb_utils

OUTPUTS = ("PROBABILITY", "HEATMAP", "OOD_SCORE")
FILES = {"openvino-bf16": "model.onnx", "openvino-fp32": "model.onnx", "openvino-int8": "model.int8.onnx"}


class TritonPythonModel:
    """One instance holds one compiled model; Triton calls it from one thread."""

    def initialize(self, args):
        config = json.loads(args["model_config"])
        parameters = {key: entry["string_value"] for key, entry in config["parameters"].items()}
        onnx_path = Path(args["model_repository"]) / args["model_version"] / FILES[parameters["engine"]]
        core = ov.Core()
        compiled = core.compile_model(core.read_model(onnx_path), "CPU", cpu_properties(core, parameters))
        streams = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        precision = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        pb_utils.Logger.log_info(f"{onnx_path}: {parameters['engine']}, computing in {precision}, {streams} streams")
        self.slice_size = int(parameters["slice_size"])
        self.streams = streams
        self.threads = ThreadPoolExecutor(streams)
        self.idle = SimpleQueue()  # one inference request per stream, reused for every batch
        for _ in range(streams):
            self.idle.put(compiled.create_infer_request())

    def execute(self, requests):
        """Answer every request, in order: with its rows of the batch, or with the error that stopped the batch."""
        films = [np.from_dlpack(pb_utils.get_input_tensor_by_name(request, "IMAGE")) for request in requests]
        try:
            answers = self.score(films[0] if len(films) == 1 else np.concatenate(films))
        except (RuntimeError, ValueError) as error:  # what OpenVINO and numpy raise
            refusal = pb_utils.TritonError(f"inference failed: {error}", pb_utils.TritonError.INTERNAL)
            return [pb_utils.InferenceResponse([], refusal) for _ in requests]
        ends = np.cumsum([len(part) for part in films]).tolist()
        return [respond(answers, end - len(part), end) for part, end in zip(films, ends, strict=True)]

    def score(self, films):
        """Score [N,1,S,S] uint8; a dict of [N, ...] fp32 arrays by output name."""
        step = min(self.slice_size, -(-len(films) // self.streams))
        slices = [films[start : start + step] for start in range(0, len(films), step)]
        parts = list(self.threads.map(self.score_slice, slices))
        return {name: np.concatenate([part[name] for part in parts]) for name in OUTPUTS}

    def score_slice(self, films):
        request = self.idle.get()
        try:
            answer = request.infer({"IMAGE": films}, share_inputs=True)
            return {name: answer[name] for name in OUTPUTS}
        finally:
            self.idle.put(request)

    def finalize(self):
        self.threads.shutdown()


def cpu_properties(core, parameters):
    """OpenVINO's CPU properties. bf16 needs AVX512_BF16 or AMX: a CPU without them computes the same graph in fp32."""
    bf16 = parameters["engine"] != "openvino-fp32" and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    properties = {"INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32", "PERFORMANCE_HINT": "THROUGHPUT"}
    for key, name in (("streams", "NUM_STREAMS"), ("threads", "INFERENCE_NUM_THREADS")):
        if int(parameters.get(key, 0)):
            properties[name] = int(parameters[key])
    return properties


def to_tensor(name, array):
    """A Triton tensor over a numpy array's memory.

    Not ``Tensor(name, array)`` and ``tensor.as_numpy()``: under numpy 2 the stub of older Tritons (seen in 2.51) sends
    nothing with the one and repeats the first byte with the other. Its DLPack works, but it marks a used capsule in
    a way that numpy does not know and complains of on standard error; the stub frees the memory, so the capsule's own
    destructor is taken off.
    """
    capsule = array.__dlpack__()
    tensor = pb_utils.Tensor.from_dlpack(name, capsule)
    ctypes.pythonapi.PyCapsule_SetDestructor(ctypes.py_object(capsule), None)
    return tensor


def respond(answers, start, end):
    """One request's rows as its response."""
    return pb_utils.InferenceResponse([to_tensor(name, answers[name][start:end]) for name in OUTPUTS])
