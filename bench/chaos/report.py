"""The table of what was killed, for the terminal and for docs/reliability.md."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bench.chaos.trial import Row
from bench.documents import write_section
from deploy.local.settings import ROOT

DOCUMENT = ROOT / "docs" / "reliability.md"
INTRODUCTION = """
Two workers, Redis (append-only file synced on every write), Triton and, where it matters, the gateway, as real
processes; faults at random but seeded moments in mid-job (`bench/chaos/`). *Lost*: accepted images without an answer at
the end. *Answered twice*: answers that differ from what they were when first seen, and answers that workers counted as
new beyond those in the ledger. *Recovery*: the longest time without a new answer, from the fault to the first answer
after its cause was gone. *In hand*: from the fault until every image of the chunks that workers held at that moment was
answered. Both are the worst of the strikes, on {machine}.

```sh
{command}
```

"""


def table(rows: Iterable[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "| Fault | Images | Lost | Answered twice | Recovery | In hand | Seen |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        counts = f"{row.images:,} | {row.lost:,} | {row.answered_twice:,}" if row.images else "not run | | "
        lines.append(f"| {row.fault} | {counts} | {_s(row.recover_s)} | {_s(row.held_s)} | {row.seen} |")
    return "\n".join(lines)


def write(rows: list[Row], command: str, machine: str, document: Path = DOCUMENT) -> None:
    """Replace the table in the document."""
    text = INTRODUCTION.format(command=command, machine=machine) + table(rows)
    write_section(document, "bench.chaos", "What was killed, and what was lost", text)


def _s(duration_s: float | None) -> str:
    return "" if duration_s is None else f"{duration_s:.1f} s"
