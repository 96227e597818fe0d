"""What was measured on a GPU, as a section of ``docs/performance.md``; nothing here needs a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.figures import Figure, best
from bench.gpu.roof import floor
from bench.outcome import Outcome

TITLE = "GPU: alone and inside the pip-installed Triton"
Part = Mapping[str, Any]


def section(kept: Mapping[str, Any]) -> str:
    """The section without its heading: the command, the machine that was measured, and what was found."""
    machine = kept["parts"].get("machine", {})
    words = [machine.get("gpu", "a GPU that did not say its name")]
    words += [f"driver {machine['driver']}"] if machine.get("driver") else []
    words += [f"torch {machine['torch']}"] if machine.get("torch") else []
    version = kept["parts"].get("triton", {}).get("version")
    words += [f"Triton {version}"] if version else []
    words += [f"TensorRT {machine['tensorrt']}"] if machine.get("tensorrt") else []
    on = f"On {', '.join(words)}; {machine.get('host', '')}; {kept['at'][:10]}."
    return "\n\n".join([f"```sh\n{kept['command']}\n```", on, *paragraphs(kept)])


def paragraphs(kept: Mapping[str, Any]) -> list[str]:
    """Markdown paragraphs and tables, in order; parts that failed are named last."""
    parts, outcome = kept["parts"], Outcome("gpu", TITLE)
    if kept["orders"]["quick"] or kept["orders"]["device"] != "cuda":
        outcome.say("Run only to show that it works: no figure here is one to rely on.")
    _in_process(outcome, parts)
    _roofline(outcome, parts)
    _agreement(outcome, parts.get("agreement", {}))
    _triton(outcome, parts)
    _decoding(outcome, parts)
    for name, part in parts.items():
        if "error" in part:
            outcome.say(f"Not measured to its end, {name}: {part['error'].strip().splitlines()[-1]}")
        if part.get("missed"):
            outcome.say(f"No time was left, in {name}, for {', '.join(map(str, part['missed']))}.")
    return outcome.parts


def times(parts: Mapping[str, Part], part: str = "in_process") -> dict[str, dict[int, Figure]]:
    """By way of computing and batch size: milliseconds a batch."""
    ms = parts.get(part, {}).get("ms", {})
    return {way: {int(size): Figure.of(values) for size, values in sizes.items()} for way, sizes in ms.items()}


def rate(size: int, ms: Figure) -> Figure:
    """Images a second."""
    return Figure.of(1000 * size / value for value in ms.values)


def fastest(parts: Mapping[str, Part]) -> tuple[str, int, Figure] | None:
    """The way and batch with the most images a second, of all that were measured."""
    rates = {
        (way, size): rate(size, ms)
        for part in ("in_process", "compiled")
        for way, sizes in times(parts, part).items()
        for size, ms in sizes.items()
    }
    if not rates:
        return None
    names = {f"{way} {size}": (way, size) for way, size in rates}
    way, size = names[best({name: rates[key] for name, key in names.items()})]
    return way, size, rates[way, size]


def _in_process(outcome: Outcome, parts: Mapping[str, Part]) -> None:
    ways = times(parts)
    if not ways:
        return
    outcome.say(
        "*In process*: films lie on the device, new ones for every call out of a pool larger than its cache.",
        "*fp32*: PyTorch as it is, without TF32. *fp16*: normalisations folded into convolutions, weights and",
        "activations of every convolution fp16, channels last; standardisation of the film, calibration and",
        "out-of-distribution score stay fp32. *CUDA graphs*: the same, captured once for each batch size.",
    )
    sizes = sorted({size for found in ways.values() for size in found})
    for unit, make, digits in (("images/s", rate, 0), ("ms a batch", lambda _, ms: ms, 2)):
        rows = [
            (way, *(make(size, found[size]).text(digits) if size in found else "" for size in sizes))
            for way, found in ways.items()
        ]
        outcome.table((unit, *(f"batch {size}" for size in sizes)), rows)
    compiled = times(parts, "compiled")
    if compiled:
        rows = [
            (f"{way}, batch {size}", ms.text(2), rate(size, ms).text())
            for way, found in compiled.items()
            for size, ms in found.items()
        ]
        took = ", ".join(f"{s:.0f} s for batch {size}" for size, s in parts["compiled"]["compile_s"].items())
        outcome.say(f"*Compiled*: `torch.compile` before the capture ({took}), in turns with what is not compiled.")
        outcome.table(("In process", "ms a batch", "images/s"), rows)


def _roofline(outcome: Outcome, parts: Mapping[str, Part]) -> None:
    counts, top = parts.get("roofline", {}), fastest(parts)
    if "bytes_per_s" not in counts or top is None:
        return
    way, size, found = top
    outcome.say(
        f"*Roofline*: a film takes {counts['flop_per_film'] / 1e9:.2f} GFLOP. The card was measured at",
        f"{counts['flop_per_s'] / 1e12:,.0f} TFLOP/s (matrices of {counts['product_side']} squared, multiplied) and",
        f"{counts['bytes_per_s'] / 1e12:.2f} TB/s (a copy, read and written). Best: {way}, batch {size},",
        f"{found.text()} images/s. *Whole network in one*: only weights, film and answer move. *Layer by layer*:",
        "every convolution reads its input and writes its output once, all else is fused into it.",
    )
    rows = []
    for name, key in (
        ("whole network in one", "least_bytes_per_film"),
        ("layer by layer, fp16", "layer_bytes_per_film"),
    ):
        least = floor(size, counts, key)
        reached = least.ms * found.median / size / 10
        row = f"{counts[key] / 1e3:,.0f}", f"{least.arithmetic_ms:.2f}", f"{least.traffic_ms:.2f}", f"{reached:.0f} %"
        rows.append((name, *row))
    outcome.table((f"Floor of batch {size}", "kB a film", "arithmetic, ms", "traffic, ms", "of it reached"), rows)


def _agreement(outcome: Outcome, part: Part) -> None:
    if "largest" not in part:
        return
    outcome.say(
        f"*Agreement* of the captured fp16 graphs with fp32 on {part['films']} {part['kind']}: probabilities differ by",
        f"{part['largest']:.5f} at most and {part['mean']:.6f} on average, out-of-distribution scores by",
        f"{part['ood_largest']:.4f} at most; decisions on the other side of {part['threshold']:g}: {part['flipped']}"
        f" (of {part['positive']} above it and {part['films'] - part['positive']} below).",
    )


def _triton(outcome: Outcome, parts: Mapping[str, Part]) -> None:
    part = parts.get("triton", {})
    if not part.get("points"):
        return
    served = "compiled graphs where there are any" if part["compiled"] else "the captured fp16 graphs"
    outcome.say(
        f"*In Triton*: the Python backend runs {served}, {part['instances']} instances, dynamic batching up to 256;",
        f"asked over gRPC by up to {part['clients']} client processes of the same machine. *Batch*: films in",
        "the batches that Triton made, on average.",
        f"Its probabilities and those of fp32 on the CPU differ by {part['largest']:.5f} at most.",
    )
    columns = ("Films a request, requests in flight", "images/s", "p50, ms", "p99, ms", "batch")
    rows = [
        (
            f"{point['size']}, {point['in_flight']}",
            f"{point['per_s']:,.0f}",
            f"{point['p50_ms']:.1f}",
            f"{point['p99_ms']:.1f}",
            f"{point['batch']:.0f}",
        )
        for point in part["points"]
    ]
    outcome.table(columns, rows)
    alone = {
        int(size): Figure.of(ms).median for size, ms in parts.get("in_process", {}).get("with_copies_ms", {}).items()
    }
    lone = {point["size"]: point["p50_ms"] for point in part["points"] if point["in_flight"] == 1}
    added = [
        (str(size), f"{alone[size]:.2f}", f"{ms:.2f}", f"{ms - alone[size]:.2f}")
        for size, ms in lone.items()
        if size in alone
    ]
    if added:
        outcome.say("One request at a time, milliseconds: from host memory to host memory in process, and over gRPC.")
        outcome.table(("Films a request", "in process", "in Triton", "Triton adds"), added)
    top, most = fastest(parts), max(point["per_s"] for point in part["points"])
    if top is not None:
        share = most / top[2].median
        outcome.say(f"Triton's best over the best in process, without copies ({top[0]}, batch {top[1]}): {share:.2f}.")


def _decoding(outcome: Outcome, parts: Mapping[str, Part]) -> None:
    part = parts.get("decoding", {})
    if "all_per_s" not in part:
        return
    outcome.say(
        f"*Workers*: `cxr.imaging.preprocess` makes {part['one_per_s']:,.0f} films a second of {part['films']}",
        f"original films (mean {part['bytes'] / part['films'] / 1000:,.0f} kB) in one process and"
        f" {part['all_per_s']:,.0f} in {part['cores']}, one for each core.",
    )
    per_core, top = part["all_per_s"] / part["cores"], fastest(parts)
    needs = [] if top is None else [f"{top[2].median / per_core:,.0f} such cores feed the GPU at its best in process"]
    points = parts.get("triton", {}).get("points", [])
    if points:
        most = max(point["per_s"] for point in points)
        needs.append(f"{most / per_core:,.0f} feed it at its best in Triton")
    if needs:
        outcome.say(f"So {', '.join(needs)}.")
