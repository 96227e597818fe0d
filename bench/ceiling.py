"""The most films a second that this machine could answer, if nothing but decoding and scoring cost anything."""

from __future__ import annotations

from contextlib import ExitStack

from bench.apart import Apart, together
from bench.figures import Figure, best
from bench.machine import cores
from bench.outcome import Outcome
from bench.served import served_engine, version_folder
from bench.steps import Steps

BATCH = 64


class Ceiling:
    """Decoding and scoring, each alone on all cores; both share the same cores in earnest."""

    def __init__(self, exits: ExitStack) -> None:
        folder, engine = version_folder(), served_engine()
        self._decoders = [exits.enter_context(Apart("decode")) for _ in range(cores())]
        self._engine = exits.enter_context(Apart("program", folder=str(folder), engine=engine))
        self._engine.await_ready()
        self.decode: list[float] = []
        self.score: list[float] = []
        self.processor_ms: list[float] = []  # of an image, both together

    def round(self, seconds: float) -> float:
        """Measure both once more; the ceiling of this round, in images per second."""
        decode_per_s, decode_ms = together(self._decoders, seconds)
        scored = self._engine.measure(seconds, BATCH)
        self.decode.append(decode_per_s)
        self.score.append(scored.images_per_s)
        self.processor_ms.append(decode_ms + 1000 * scored.processor_s / scored.images)
        return ceiling(self.decode[-1], self.score[-1])

    @property
    def figure(self) -> Figure:
        return Figure.of(map(ceiling, self.decode, self.score))


def ceiling(decode_per_s: float, score_per_s: float) -> float:
    """Images per second when each costs the time of both."""
    return 1 / (1 / decode_per_s + 1 / score_per_s)


def measure(quick: bool, steps: Steps) -> Outcome:
    """What the machine could do at most: decoding alone, the engine alone, and both on the same cores."""
    rounds, seconds = (1, 0.2) if quick else (3, 2.0)
    onnx, engine = str(version_folder() / "model.onnx"), served_engine()
    counts = sorted({1, cores()})
    slices = (8,) if quick else (1, 4, 8, 16, 64)
    with ExitStack() as exits:
        both = Ceiling(exits)
        plain = [exits.enter_context(Apart("decode", function="plain")) for _ in range(cores())]
        swept = {
            (streams, size): exits.enter_context(Apart("openvino", path=onnx, streams=streams, slice_size=size))
            for streams in counts
            for size in slices
        }
        for load in (*plain, *swept.values()):
            load.await_ready()  # what is still starting would disturb the first round
        steps.expect(rounds * (2 + len(swept)))
        whole, fp32 = list[float](), {key: list[float]() for key in swept}
        for turn in range(1, rounds + 1):
            steps.next(f"round {turn}: decoding and {engine}")
            both.round(seconds)
            steps.next(f"round {turn}: plain Pillow")
            whole.append(together(plain, seconds)[0])
            for key, load in swept.items():
                steps.next(f"round {turn}: fp32, {key[0]} streams, {key[1]} films a request")
                fp32[key].append(load.measure(seconds / 2, BATCH).images_per_s)
    return _outcome(both, Figure.of(whole), {key: Figure.of(values) for key, values in fp32.items()})


def _outcome(both: Ceiling, whole: Figure, fp32: dict[tuple[int, int], Figure]) -> Outcome:
    decode, score, engine = Figure.of(both.decode), Figure.of(both.score), served_engine()
    outcome = Outcome("ceiling", "Ceiling: what this machine could do at most")
    outcome.say(
        f"Images per second on all {cores()} cores; the median of {len(decode.values)} rounds, and the least and most.",
        "The ceiling is 1 / (1 / decoding + 1 / scoring): both use the same cores, nothing else costs anything.",
    )
    outcome.table(
        ("What", "images/s"),
        [
            ("decode to 224 x 224 (`cxr.imaging.preprocess`: JPEGs at a fraction of their size)", decode.text()),
            ("the same by plain Pillow (decode whole, then resize)", whole.text()),
            (f"score ({engine}, as in Triton, batches of {BATCH})", score.text()),
            ("**ceiling**", f"**{both.figure.text()}**"),
        ],
    )
    outcome.say(f"The engine's knobs (OpenVINO fp32, {BATCH} films at a time):")
    sizes = sorted({size for _, size in fp32})
    streams = sorted({count for count, _ in fp32})
    rows = [(f"{count} stream(s)", *(fp32[count, size].text() for size in sizes)) for count in streams]
    outcome.table(("", *(f"{size} a request" for size in sizes)), rows)
    chosen = best({f"{count} streams, {size} films a request": figure for (count, size), figure in fp32.items()})
    outcome.say(f"Best: {chosen}.")
    outcome.figures = {"decode": decode, "decode_plain": whole, "score": score, "ceiling": both.figure}
    outcome.figures |= {f"fp32_{count}_streams_{size}": figure for (count, size), figure in fp32.items()}
    return outcome
