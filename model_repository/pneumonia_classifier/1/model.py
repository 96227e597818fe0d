"""Triton Python backend: scores films with this version's model.onnx on the CPU, through OpenVINO.

    IMAGE uint8 [N,1,S,S]  ->  PROBABILITY fp32 [N,1], HEATMAP fp32 [N,h,w], OOD_SCORE fp32 [N,1]

Triton's dynamic batcher hands over several requests at once. They are scored as one batch, cut into slices that the
OpenVINO streams work on side by side: a slice's activations stay in the core's cache, a batch of 64 does not.

Read from the config's ``parameters``: ``engine``, one of ``ENGINES``; ``slice_size`` (films per slice); ``streams`` and
``threads`` (0: OpenVINO's choice, one stream per core); for engines with a second look ``recheck_logit`` and
``recheck_ood``, the distances from a limit of the card's operating point within which a film gets one.
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
INT8_FILE = "model.int8.onnx"
# By name: the file, the precision of what it leaves open, and whether doubtful films are scored again in fp32.
ENGINES = {
    "openvino-bf16": ("model.onnx", "bf16", False),
    "openvino-mixed": ("model.onnx", "bf16", True),
    "openvino-int8": (INT8_FILE, "f32", False),
    "openvino-fp32": ("model.onnx", "f32", False),
}


class TritonPythonModel:
    """One instance holds one compiled model; Triton calls it from one thread."""

    def initialize(self, args):
        config = json.loads(args["model_config"])
        film_shape = [int(size) for size in config["input"][0]["dims"]]
        parameters = {key: entry["string_value"] for key, entry in config["parameters"].items()}
        folder = Path(args["model_repository"]) / args["model_version"]
        file, precision, second_look = ENGINES[parameters["engine"]]
        if file == INT8_FILE and not has_vnni():
            file = "model.onnx"
        core = ov.Core()
        first = compile_model(core, folder / file, precision, parameters)
        second = compile_model(core, folder / "model.onnx", "f32", parameters) if second_look else None
        self.limits = Limits(parameters) if second_look else None
        self.slice_size = int(parameters["slice_size"])
        self.streams = first.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self.threads = ThreadPoolExecutor(self.streams)
        self.idle = SimpleQueue()  # the inference requests of each stream, used again for every batch
        for _ in range(self.streams):
            requests = [compiled.create_infer_request() for compiled in (first, second) if compiled]
            # Once here, alone: two threads in OpenVINO's very first inference wait for each other for ever (2026.4.1).
            for request in requests:
                request.infer({"IMAGE": np.zeros((1, *film_shape), np.uint8)})
            self.idle.put(requests)
        computing = first.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        pb_utils.Logger.log_info(f"{folder / file}: {parameters['engine']}, in {computing}, {self.streams} streams")

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
        requests = self.idle.get()
        try:
            answer = requests[0].infer({"IMAGE": films}, share_inputs=True)
            answer = {name: answer[name] for name in OUTPUTS}
            doubtful = self.limits.near(answer) if self.limits else np.zeros(len(films), bool)
            if doubtful.any():
                exact = requests[1].infer({"IMAGE": films[doubtful]}, share_inputs=True)
                for name in OUTPUTS:
                    answer[name][doubtful] = exact[name]
            return answer
        finally:
            self.idle.put(requests)

    def finalize(self):
        self.threads.shutdown()


class Limits:
    """The numbers at which a finding changes; rounding must not carry a film across one of them."""

    def __init__(self, parameters):
        point = json.loads(parameters["model_card"])["operating_point"]
        limits = np.array([point["threshold"], point["indeterminate_low"], point["indeterminate_high"]])
        limits = np.clip(limits, 1e-6, 1 - 1e-6)
        self.logits, self.ood_limit = np.log(limits / (1 - limits)), point["ood_limit"]
        self.logit_margin, self.ood_margin = float(parameters["recheck_logit"]), float(parameters["recheck_ood"])

    def near(self, answer):
        """Which films [N] lie near a limit: the heatmap's sum is the log-odds. What is not a number is near."""
        distance = np.abs(answer["HEATMAP"].sum((1, 2))[:, None] - self.logits).min(1)
        far = (distance >= self.logit_margin) & (np.abs(answer["OOD_SCORE"][:, 0] - self.ood_limit) >= self.ood_margin)
        return ~far


def has_vnni():
    """Whether this CPU adds int8 products in 32 bits. Others do it in 16, which overflow: seen on the validation films
    as twice the error, more than the gate allows. They compute model.onnx in fp32 instead.
    """
    flags = Path("/proc/cpuinfo").read_text().split()
    return "avx512_vnni" in flags or "avx_vnni" in flags


def compile_model(core, path, precision, parameters):
    """Compile for the CPU. bf16 needs AVX512_BF16 or AMX: a CPU without them computes the same graph in fp32."""
    bf16 = precision == "bf16" and "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    properties = {"INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32", "PERFORMANCE_HINT": "THROUGHPUT"}
    for key, name in (("streams", "NUM_STREAMS"), ("threads", "INFERENCE_NUM_THREADS")):
        if int(parameters.get(key, 0)):
            properties[name] = int(parameters[key])
    return core.compile_model(core.read_model(path), "CPU", properties)


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
