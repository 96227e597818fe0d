"""The engines side by side, in a process of their own and inside Triton."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.apart import PEERS_PYTHON, Apart, LoadFailed
from bench.figures import Figure, best
from bench.machine import computes_in_bf16
from bench.outcome import Outcome
from bench.served import engine_file, folder, repository_with, running, served_engine, version_folder
from bench.steps import Steps
from trainer.contract import MODEL_NAME

BATCHES = (1, 2, 4, 8, 16, 32, 64)
IN_FLIGHT = 4  # requests at once, where throughput counts
ALONE, IN_TRITON = "in process", "in Triton, over gRPC"


@dataclass
class Contestant:
    """One engine in one place; by batch size, each round's median milliseconds of a request, and images a second."""

    engine: str
    place: str
    load: Apart
    ms: dict[int, list[float]] = field(default_factory=dict)
    per_s: dict[int, list[float]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.engine}, {self.place}"

    def measure(self, batch: int, seconds: float) -> None:
        one = self.load.measure(seconds, batch)
        several = self.load.measure(seconds, batch, IN_FLIGHT)
        self.ms.setdefault(batch, []).append(one.median_ms)
        self.per_s.setdefault(batch, []).append(max(one.images_per_s, several.images_per_s))


def measure(quick: bool, steps: Steps) -> Outcome:
    """ONNX Runtime and OpenVINO in each precision, alone and inside Triton: latency and images a second by batch."""
    rounds, seconds, batches = (1, 0.1, (1, 8)) if quick else (3, 0.5, BATCHES)
    engines = [served_engine()] if quick else _engines()
    notes = [] if computes_in_bf16() else ["This CPU has no bf16 arithmetic: OpenVINO computes the same graph in fp32."]
    steps.next("starting")
    with ExitStack() as exits:
        contestants = []
        for engine in engines:
            contestants.append(Contestant(engine, ALONE, exits.enter_context(_alone(engine))))
            contestants.append(Contestant(engine, IN_TRITON, exits.enter_context(_in_triton(engine, exits))))
        try:
            reference = Apart("onnxruntime", PEERS_PYTHON, path=str(engine_file("openvino-fp32")))
            exits.enter_context(reference).await_ready()
            contestants.insert(0, Contestant("onnxruntime-fp32", ALONE, reference))
        except (LoadFailed, OSError) as error:
            notes.append(f"ONNX Runtime was not measured: {error}")
        for one in contestants:
            one.load.await_ready()  # what is still starting would disturb the first round
        steps.expect(1 + rounds * len(contestants))
        for turn in range(1, rounds + 1):
            for one in contestants:
                steps.next(f"round {turn}: {one.name}")
                for batch in batches:
                    one.measure(batch, seconds)
    return _outcome(contestants, batches, notes)


def _engines() -> list[str]:
    """Those whose file is there."""
    names = ["openvino-fp32", *(["openvino-bf16", "openvino-mixed"] if computes_in_bf16() else []), "openvino-int8"]
    return [name for name in names if engine_file(name).is_file()]


def _alone(engine: str) -> Apart:
    return Apart("program", folder=str(version_folder()), engine=engine)


def _in_triton(engine: str, exits: ExitStack) -> Apart:
    repository: Path = repository_with(engine, exits.enter_context(folder("repository")))
    stack = exits.enter_context(running("triton", CXR_MODEL_REPOSITORY=str(repository)))
    return Apart("triton", url=stack.settings.triton_url, model=MODEL_NAME)


def _outcome(contestants: list[Contestant], batches: tuple[int, ...], notes: list[str]) -> Outcome:
    outcome = Outcome("engine", "Engines: alone and inside Triton")
    outcome.say(
        f"*In process*: `model.py`, the program that Triton runs, without Triton. Served: {served_engine()}. Real",
        f"films. Images per second with one or {IN_FLIGHT} requests in flight, whichever is more; and a request's",
        "median milliseconds with one in flight.",
        *notes,
    )
    columns = ("images/s", *(f"batch {batch}" for batch in batches))
    rates = [(one.name, *(Figure.of(one.per_s[batch]).text() for batch in batches)) for one in contestants]
    outcome.table(columns, rates)
    times = [(one.name, *(Figure.of(one.ms[batch]).text(1) for batch in batches)) for one in contestants]
    outcome.table(("ms a request", *columns[1:]), times)
    for engine in dict.fromkeys(one.engine for one in contestants):
        places = {one.place: one for one in contestants if one.engine == engine}
        if IN_TRITON in places:
            chosen = int(best({str(batch): Figure.of(places[ALONE].per_s[batch]) for batch in batches}))
            inside, alone = (Figure.of(places[place].per_s[chosen]) for place in (IN_TRITON, ALONE))
            outcome.say(f"{engine}: Triton over in process at batch {chosen}: {inside.ratio_to(alone).text(2)}.")
            outcome.figures[f"{engine}: triton to in process"] = inside.ratio_to(alone)
    for one in contestants:
        outcome.figures |= {f"{one.name}, batch {batch}: images/s": Figure.of(one.per_s[batch]) for batch in batches}
        outcome.figures |= {f"{one.name}, batch {batch}: ms": Figure.of(one.ms[batch]) for batch in batches}
    return outcome
