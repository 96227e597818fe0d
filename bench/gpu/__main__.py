"""``python -m bench.gpu``: measure the served model on a GPU, alone and inside Triton; or show what was measured."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown

from bench.documents import write_section
from bench.gpu.orders import Orders
from bench.gpu.page import TITLE, paragraphs, section
from bench.gpu.part import run_part
from bench.outcome import DOCUMENT
from bench.steps import Steps

# In order of importance; seconds after which a part begins nothing new, and after which it is stopped.
PARTS = {
    "machine": (10, 15),
    "in_process": (30, 45),
    "triton": (50, 65),
    "roofline": (10, 20),
    "agreement": (10, 20),
    "decoding": (10, 20),
    "compiled": (30, 60),
}
ALTOGETHER_S = 130.0
LEAST_S = 8.0  # with less left a part is not begun


def main(
    model: Annotated[Path | None, typer.Option(help="The trained run's served.pt.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for gpu.json.")] = Path(".local/bench"),
    device: Annotated[str, typer.Option(help="cuda or cpu; cpu only shows that it works.")] = "cuda",
    threshold: Annotated[
        float | None, typer.Option(help="For decisions that flip; default: that of card.json beside the model.")
    ] = None,
    films: Annotated[Path | None, typer.Option(help="A .npy of films, uint8 [N,1,224,224], to agree on.")] = None,
    originals: Annotated[Path | None, typer.Option(help="A folder of original films, to decode.")] = None,
    instances: Annotated[int, typer.Option(help="Triton's instances of the model.")] = 2,
    serve_compiled: Annotated[
        bool, typer.Option(help="Triton serves compiled graphs where they were measured.")
    ] = False,
    only: Annotated[str, typer.Option(help=f"Parts, by comma: {', '.join(PARTS)}.")] = "",
    seconds: Annotated[float, typer.Option(help="What all parts may take together.")] = ALTOGETHER_S,
    quick: Annotated[bool, typer.Option("--quick", help="Small batches, once; no figure to rely on.")] = False,
    show: Annotated[Path | None, typer.Option(help="A kept gpu.json to show, instead of measuring.")] = None,
    write: Annotated[bool, typer.Option("--write", help="Put it into docs/performance.md.")] = False,
) -> None:
    """Measure the served model on a GPU: in process, against the card's own ceilings, against fp32, and in Triton."""
    console = Console()
    if show is not None:
        kept = json.loads(show.read_text())
    elif model is not None:
        orders = Orders(
            model=str(model),
            device=device,
            quick=quick,
            threshold=threshold_beside(model) if threshold is None else threshold,
            films=str(films or ""),
            originals=str(originals or ""),
            instances=instances,
            serve_compiled=serve_compiled,
        )
        kept = measured(orders, [name for name in PARTS if not only or name in only.split(",")], out, seconds, console)
    else:
        raise typer.BadParameter("--model, or --show", param_hint="--model")
    console.print(Markdown("\n\n".join([f"## {TITLE}", *paragraphs(kept)])))
    if write:
        write_section(DOCUMENT, "bench gpu", TITLE, section(kept))
        console.print(f"Written into {os.path.relpath(DOCUMENT)}")


def threshold_beside(model: Path) -> float:
    """The threshold of the model's card. Raises ``BadParameter`` where it lies elsewhere."""
    card = model.with_name("card.json")
    if not card.is_file():
        raise typer.BadParameter(f"there is no {card}: say the threshold", param_hint="--threshold")
    return float(json.loads(card.read_text())["operating_point"]["threshold"])


def measured(orders: Orders, names: list[str], out: Path, seconds: float, console: Console) -> dict[str, Any]:
    """Every part in turn; ``gpu.json`` is written after each."""
    out.mkdir(parents=True, exist_ok=True)
    path, end = out / "gpu.json", time.monotonic() + seconds
    words = shlex.join(["python", "-m", "bench.gpu", *sys.argv[1:]])
    kept: dict[str, Any] = {"bench": "gpu", "command": words, "at": datetime.now(UTC).isoformat()}
    kept |= {"orders": json.loads(orders.text()), "parts": {}}
    with Steps("gpu", console) as steps:
        steps.expect(len(names))
        for name in names:
            steps.next(name)
            kept["parts"][name] = _one(name, orders, end - time.monotonic(), max(1.0, seconds / ALTOGETHER_S))
            path.write_text(json.dumps(kept, indent=2) + "\n")
    console.print(f"Every round's figures: {os.path.relpath(path)}")
    return kept


def _one(name: str, orders: Orders, left_s: float, scale: float) -> dict[str, Any]:
    if left_s < LEAST_S:
        return {"error": "no time was left for it"}
    enough_s, limit_s = (part_s * scale for part_s in PARTS[name])
    told = json.loads(orders.text()) | {"seconds": min(enough_s, max(1.0, left_s - LEAST_S))}
    start = time.monotonic()
    found = run_part(name, Orders(**told), min(limit_s, left_s))
    return {**found, "took_s": round(time.monotonic() - start, 1)}


if __name__ == "__main__":
    typer.run(main)
