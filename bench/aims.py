"""What each ratio ought to be, beside what was last measured: the table that ``docs/performance.md`` begins with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from operator import ge, le
from pathlib import Path

from bench.figures import Figure


@dataclass(frozen=True)
class Aim:
    """A figure of a bench, the least that will do, and what is aimed at."""

    words: str
    bench: str
    figure: str
    least: float
    aim: float

    def verdict(self, figure: Figure) -> str:
        """Whether the median, as it is printed, is good enough; a ratio that ought to be small has the smaller aim."""
        median, reaches = round(figure.median, 2), le if self.aim < self.least else ge
        return next((word for word, goal in (("aim", self.aim), ("least", self.least)) if reaches(median, goal)), "no")


AIMS = (
    Aim("System over the ceiling, 10,000 films", "system", "large: share", 0.70, 0.85),
    Aim("System over the best peer as its users run it", "peers", "ours to the best peer, as its users run it", 3, 6),
    Aim("System over the best peer with our engine", "peers", "ours to the best peer, with our engine", 1.2, 1.5),
    Aim("Triton over in process, fp32", "engine", "openvino-fp32: triton to in process", 0.93, 0.97),
    Aim("Triton over in process, bf16", "engine", "openvino-bf16: triton to in process", 0.93, 0.97),
    Aim("Triton over in process, mixed", "engine", "openvino-mixed: triton to in process", 0.93, 0.97),
    Aim("Chunks over one task an image", "queue", "empty films, beside the broker, chunks of 64: ratio", 3, 10),
    Aim("The same, 2 ms from the broker", "queue", "empty films, 2 ms from the broker, chunks of 64: ratio", 10, 50),
    Aim("Interactive p99 busy over idle", "interactive", "job through queue and ledger: p99 busy to idle", 2, 1.5),
    Aim("Cost of an image, 100,000 over 1,000", "growth", "100000: to 1000", 1.05, 1.0),
)


COLUMNS = ("Ratio", "at least", "aim", "measured", "reached", "bench")


def rows(kept: Path) -> list[tuple[str, ...]]:
    """A row for each aim whose bench left its figures in the folder ``kept``."""
    paths = {one.bench: kept / f"{one.bench}.json" for one in AIMS}
    found = {bench: _figures(path) for bench, path in paths.items() if path.is_file()}
    return [
        (one.words, f"{one.least:g}", f"{one.aim:g}", figure.text(2), one.verdict(figure), f"`{one.bench}`")
        for one in AIMS
        if (figure := found.get(one.bench, {}).get(one.figure))
    ]


def _figures(path: Path) -> dict[str, Figure]:
    return {name: Figure.of(values) for name, values in json.loads(path.read_text())["figures"].items()}
