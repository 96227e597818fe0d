"""The tables of what was killed and of memory, for the terminal and for docs/reliability.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.chaos.faults import Fault
from bench.chaos.memory import DISTINCT, SIZES, Memory
from bench.chaos.rows import Kept
from bench.chaos.trial import Row
from bench.documents import BEGIN, END, write_section
from deploy.local.settings import ROOT

DOCUMENT = ROOT / "docs" / "reliability.md"
INTRODUCTION = """
Two workers, Redis (append-only file synced on every write), Triton and, where it matters, the gateway, as real
processes; faults at random but seeded moments in mid-job (`bench/chaos/`). A trial whose fault did not strike, or
struck when all was answered, gives no row. *Lost*: accepted images without an answer at the end. *Answered twice*:
answers that differ from what they were when first seen, and answers that workers counted as new beyond those in the
ledger. *Recovery*: the longest time without a new answer, from the fault to the first answer after its cause was gone.
*Worked on again*: from the fault until every chunk that a worker held at that moment had a first new answer. *All of
it*: until every image of those chunks was answered. Each is the worst of the strikes, on {machine} that did other work
beside.

```sh
make chaos
```

A run that is stopped goes on where it was; rows are kept under `.local/chaos`. *Code*: the version that a row was made
with; a row stands until it is made again.

"""
MEMORY = """

One job by its size, sent as one zip in one request (`python -m bench.chaos`, rows `memory-1000` and `memory-50000`);
after {distinct:,} films they repeat, and their answers are reused. Most memory ever resident, of the gateway, of a
worker with its boxes and of Triton with its backends; for Redis what it says it uses when the job is done. Redis keeps
an image's name, hash and answer, never its bytes. These drawn films are mostly refused as no chest film; a judged one
has a heatmap and takes more.

| Images | Sent | Gateway | Worker | Triton | Redis | In Redis, per image | Code |
|---|---|---|---|---|---|---|---|
"""
Lines = dict[str, str]  # whole lines of a table by their first cell
OWNER = "bench.chaos"


def text_of(faults: Mapping[str, Fault], kept: Mapping[str, Kept], published: Lines | None = None) -> str:
    """All that is kept, as Markdown, in the order of the faults.

    What is not kept stays as it was published; what is not there either is said to be not yet run.
    """
    there = published or {}
    lines = [
        "| Fault | Images | Lost | Answered twice | Recovery | Worked on again | All of it | Seen | Code |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, fault in faults.items():
        row = kept[name].found if name in kept else None
        if isinstance(row, Row):
            lines.append(
                f"| {row.fault} | {row.images:,} | {row.lost:,} | {row.answered_twice:,} | {_s(row.recover_s)}"
                f" | {_s(row.again_s)} | {_s(row.held_s)} | {row.seen} | {kept[name].version} |"
            )
        else:
            lines.append(there.get(fault.title, f"| {fault.title} | not yet run | | | | | | | |"))
    rows = {size: there[f"{size:,}"] for size in SIZES if f"{size:,}" in there}
    rows |= {
        one.found.images: f"| {one.found.images:,} | {_mb(one.found.sent_bytes)} | {_mb(one.found.gateway_bytes)}"
        f" | {_mb(one.found.worker_bytes)} | {_mb(one.found.triton_bytes)} | {_mb(one.found.redis_bytes)}"
        f" | {one.found.redis_bytes_per_image:.0f} bytes | {one.version} |"
        for one in kept.values()
        if isinstance(one.found, Memory)
    }
    lines += [MEMORY.format(distinct=DISTINCT) + "\n".join(rows[size] for size in sorted(rows))] if rows else []
    return "\n".join(lines)


def published(document: Path) -> Lines:
    """The lines of the tables as they stand in the document."""
    if not document.exists():
        return {}
    _, _, rest = document.read_text().partition(BEGIN.format(owner=OWNER))
    section, _, _ = rest.partition(END.format(owner=OWNER))
    return {line.split("|")[1].strip(): line for line in section.splitlines() if line.startswith("| ")}


def write(faults: Mapping[str, Fault], kept: Mapping[str, Kept], machine: str, document: Path = DOCUMENT) -> None:
    """Bring the tables in the document up to what is kept."""
    text = INTRODUCTION.format(machine=machine) + text_of(faults, kept, published(document))
    write_section(document, OWNER, "What was killed, and what was lost", text)


def _s(duration_s: float | None) -> str:
    return "" if duration_s is None else f"{duration_s:.1f} s"


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.0f} MB"
