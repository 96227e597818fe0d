"""Triton Python backend: scores films with this version's model.onnx on the CPU, through OpenVINO.

    IMAGE uint8 [N,1,S,S]  ->  PROBABILITY fp32 [N,1], HEATMAP fp32 [N,h,w], OOD_SCORE fp32 [N,1]

Two lanes. A request whose parameter ``lane`` is ``batch`` is computed by threads that give way, every other by threads
of its own at the usual priority: a lone film gets a core at once, whatever a batch is in the middle of, and a batch has
the cores that nobody else wants. So ``execute`` only hands requests over; each is answered when it is scored. Films are
scored in slices: a slice's activations stay in the core's cache, a batch of 64 does not. Small requests share one.

Read from the config's ``parameters``: ``engine``, one of ``ENGINES``; ``slice_size`` (films per slice); ``streams`` and
``threads`` (0: OpenVINO's choice, one stream per core); for engines with a second look ``recheck_logit`` and
``recheck_ood``, the distances from a limit of the card's operating point within which a film gets one.
"""

import ctypes
import json
import os
import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from threading import Condition, Lock, Thread

import numpy as np
import openvino as ov
import triton_python_backend_utils as pb_utils

OUTPUTS = ("PROBABILITY", "HEATMAP", "OOD_SCORE")
INTERACTIVE, BATCH = "interactive", "batch"
# One more is refused: 256 requests of 64 films are 30 s of work for two CPU cores or more, and would wait to time out.
MOST_WAITING = 256
MOST_NICE = 19
PATIENCE_S = 1.0  # who waited longer is asked whether anybody still wants the answer
INT8_FILE = "model.int8.onnx"
# By name: the file, the precision of what it leaves open, and whether doubtful films are scored again in fp32.
ENGINES = {
    "openvino-bf16": ("model.onnx", "bf16", False),
    "openvino-mixed": ("model.onnx", "bf16", True),
    "openvino-int8": (INT8_FILE, "f32", False),
    "openvino-fp32": ("model.onnx", "f32", False),
}


class TritonPythonModel:
    """One instance holds the model, compiled for each lane; Triton calls it from one thread."""

    def initialize(self, args):
        config = json.loads(args["model_config"])
        parameters = {key: entry["string_value"] for key, entry in config["parameters"].items()}
        folder, slice_size = Path(args["model_repository"]) / args["model_version"], int(parameters["slice_size"])
        film_shape = [int(size) for size in config["input"][0]["dims"]]
        self.batch = Lane(scorers(folder, parameters, film_shape, gives_way=True), slice_size)
        self.interactive = Lane(scorers(folder, parameters, film_shape), slice_size)

    def execute(self, requests):
        """Hand every request to its lane, and return: Triton is answered from there."""
        for request in requests:
            films = np.from_dlpack(pb_utils.get_input_tensor_by_name(request, "IMAGE"))
            lane = json.loads(request.parameters() or "{}").get("lane")
            sender = request.get_response_sender()
            asked = Asked(films.copy(), sender.is_cancelled)
            asked.answer.add_done_callback(partial(respond, sender))
            (self.batch if lane == BATCH else self.interactive).put(asked)

    def score(self, films):
        """Score [N,1,S,S] uint8; a dict of [N, ...] fp32 arrays by output name."""
        asked = Asked(films)
        self.interactive.put(asked)
        return asked.answer.result()

    def finalize(self):
        for lane in (self.interactive, self.batch):
            lane.close()


class Refused(Exception):
    """A request that is not scored: why, and the name of Triton's code for it."""

    def __init__(self, sentence, code):
        super().__init__(sentence)
        self.code = code


class Asked:
    """The films of one request; ``answer`` is a future of their outputs."""

    def __init__(self, films, is_cancelled=lambda: False):
        self.films, self.answer, self.is_cancelled = films, Future(), is_cancelled
        self.since, self.left, self.outputs, self.changing = time.monotonic(), len(films), {}, Lock()

    def unwanted(self):
        """Whether it is over, or nobody waits for it any more; asking Triton takes time, so late ones only."""
        if not self.answer.done() and time.monotonic() - self.since > PATIENCE_S and self.is_cancelled():
            self.fail(Refused("cancelled", "CANCELLED"))
        return self.answer.done()

    def add(self, start, end, outputs):
        """Put in what came out for films ``start`` to ``end``; the last part makes the answer."""
        with self.changing:
            for name, rows in outputs.items():
                whole = self.outputs.setdefault(name, np.empty((len(self.films), *rows.shape[1:]), rows.dtype))
                whole[start:end] = rows
            self.left -= end - start
            if not self.left and not self.answer.done():
                self.answer.set_result(self.outputs)

    def fail(self, error):
        with self.changing:
            if not self.answer.done():
                self.answer.set_exception(error)


class Lane:
    """Requests in turn, cut into slices; a thread for each scorer."""

    def __init__(self, scorers, slice_size):
        self.slice_size, self.waiting, self.closed, self.changed = slice_size, deque(), False, Condition()
        self.threads = [Thread(target=self.work, args=(score,), daemon=True) for score in scorers]
        for thread in self.threads:
            thread.start()

    def put(self, asked):
        """Cut a request into slices, one for each thread at least where it has the films."""
        if not len(asked.films):
            asked.fail(Refused("no film", "INVALID_ARG"))
            return
        step = min(self.slice_size, -(-len(asked.films) // len(self.threads)))
        cuts = [*range(0, len(asked.films), step), len(asked.films)]
        with self.changed:
            full = len({id(one) for one, _, _ in self.waiting}) >= MOST_WAITING
            if not full:
                self.waiting.extend((asked, start, end) for start, end in pairwise(cuts))
                self.changed.notify_all()
        if full:
            asked.fail(Refused(f"{MOST_WAITING} requests wait already", "UNAVAILABLE"))

    def take(self):
        """The next slice, together with others that wait and fit, but leave something to the other threads; or None."""
        with self.changed:
            self.changed.wait_for(lambda: self.waiting or self.closed)
            share, films, taken = -(-len(self.waiting) // len(self.threads)), 0, []
            while self.waiting and len(taken) < share:
                _, start, end = self.waiting[0]
                films += end - start
                if taken and films > self.slice_size:
                    break
                taken.append(self.waiting.popleft())
            return taken or None

    def work(self, score):
        while (taken := self.take()) is not None:
            wanted = [piece for piece in taken if not piece[0].unwanted()]
            if wanted:
                self.answer(score, wanted)

    def answer(self, score, pieces):
        parts = [asked.films[start:end] for asked, start, end in pieces]
        try:
            outputs = score(parts[0] if len(parts) == 1 else np.concatenate(parts))
        except (RuntimeError, ValueError) as error:  # what OpenVINO and numpy raise
            for asked, _, _ in pieces:
                asked.fail(error)
            return
        at = 0
        for asked, start, end in pieces:
            asked.add(start, end, {name: rows[at : at + end - start] for name, rows in outputs.items()})
            at += end - start

    def close(self):
        """Answer what waits, then end the threads."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        for thread in self.threads:
            thread.join()


def scorers(folder, parameters, film_shape, gives_way=False):
    """A function for each stream of a model compiled for it: [n,1,S,S] uint8 to a dict of outputs. Each for one thread,
    which waits while OpenVINO computes in threads of its own: those may give way. Who only hands films over must not,
    for it holds the interpreter meanwhile.
    """
    file, precision, second_look = ENGINES[parameters["engine"]]
    if file == INT8_FILE and not has_vnni():
        file = "model.onnx"
    core, before = ov.Core(), own_threads()
    first = compile_model(core, folder / file, precision, parameters)
    second = compile_model(core, folder / "model.onnx", "f32", parameters) if second_look else None
    for thread in own_threads() - before if gives_way else ():
        with suppress(ProcessLookupError):  # one that only compiled, and has ended
            give_way(thread)
    limits = Limits(parameters) if second_look else None
    streams = first.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
    computing = first.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    pb_utils.Logger.log_info(f"{folder / file}: {parameters['engine']}, in {computing}, {streams} streams")
    found = []
    for _ in range(streams):
        requests = [compiled.create_infer_request() for compiled in (first, second) if compiled]
        # Once here, alone: two threads in OpenVINO's very first inference wait for each other for ever (2026.4.1).
        for request in requests:
            request.infer({"IMAGE": np.zeros((1, *film_shape), np.uint8)})
        found.append(partial(score_slice, requests, limits))
    return found


def give_way(thread):
    """Let a thread have only the processor time that no other wants: who wakes up to a lone film goes on at once."""
    try:
        os.sched_setscheduler(thread, os.SCHED_IDLE, os.sched_param(0))
    except PermissionError:  # a container that may not; being nice is allowed everywhere
        os.setpriority(os.PRIO_PROCESS, thread, MOST_NICE)


def own_threads():
    """Every thread of this process, by the number that Linux gives it."""
    return {int(task.name) for task in Path("/proc/self/task").iterdir()}


def score_slice(requests, limits, films):
    answer = requests[0].infer({"IMAGE": films}, share_inputs=True)
    answer = {name: answer[name] for name in OUTPUTS}
    doubtful = limits.near(answer) if limits else np.zeros(len(films), bool)
    if doubtful.any():
        exact = requests[1].infer({"IMAGE": films[doubtful]}, share_inputs=True)
        for name in OUTPUTS:
            answer[name][doubtful] = exact[name]
    return answer


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


def respond(sender, answer):
    """Send a request's outputs, or the error that stopped it."""
    error = answer.exception()
    if error is None:
        response = pb_utils.InferenceResponse([to_tensor(name, answer.result()[name]) for name in OUTPUTS])
    elif isinstance(error, Refused):
        response = pb_utils.InferenceResponse(
            [], pb_utils.TritonError(str(error), getattr(pb_utils.TritonError, error.code))
        )
    else:
        refusal = pb_utils.TritonError(f"inference failed: {error}", pb_utils.TritonError.INTERNAL)
        response = pb_utils.InferenceResponse([], refusal)
    sender.send(response, flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
