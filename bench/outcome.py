"""What a bench found: sentences and tables for people, figures for programs."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown

from bench import aims
from bench.documents import markdown_table, write_section
from bench.figures import Figure
from bench.machine import described
from deploy.local.settings import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
KEPT = ROOT / ".local" / "bench"
RESTLESS = 0.5


@dataclass
class Outcome:
    """One bench's section of ``docs/performance.md``; ``parts`` are Markdown paragraphs and tables, in order."""

    name: str
    title: str
    parts: list[str] = field(default_factory=list)
    figures: dict[str, Figure] = field(default_factory=dict)
    load_before: float = 0.0  # processes that wanted a core in the minute before, of whoever else used the machine

    @property
    def unrest(self) -> str:
        """A remark where the machine was not this bench's own."""
        if self.load_before < RESTLESS:
            return ""
        return (
            f" Others were using the machine (load {self.load_before:.1f} before the start): ratios stand, within their"
            " spread; the figures themselves are too low."
        )

    def say(self, *sentences: str) -> None:
        self.parts.append(" ".join(sentences))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self.parts.append(markdown_table(columns, rows))

    def section(self) -> str:
        """The section without its heading."""
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        return "\n\n".join([f"```sh\n{command()}\n```", f"On {described()}; {day}.{self.unrest}", *self.parts])


def present(outcome: Outcome, console: Console, *, write: bool, document: Path = DOCUMENT, kept: Path = KEPT) -> None:
    """Print it, save its figures as JSON under ``.local/bench``, and with ``write`` put it into the document."""
    console.print(Markdown("\n\n".join([f"## {outcome.title}", *outcome.parts])))
    kept.mkdir(parents=True, exist_ok=True)
    content = {name: figure.values for name, figure in outcome.figures.items()}
    saved = {"bench": outcome.name, "command": command(), "machine": described(), "figures": content}
    saved["load_before"] = outcome.load_before
    path = kept / f"{outcome.name}.json"
    path.write_text(json.dumps({**saved, "at": datetime.now(UTC).isoformat()}, indent=2) + "\n")
    console.print(f"Every round's figures: {os.path.relpath(path)}")
    if write:
        write_section(document, f"bench {outcome.name}", outcome.title, outcome.section())
        write_section(document, "bench aims", "What was aimed at", markdown_table(aims.COLUMNS, aims.rows(kept)))
        console.print(f"Written into {os.path.relpath(document)}")


def command() -> str:
    """The command that is running."""
    return shlex.join(["python", "-m", "bench", *sys.argv[1:]])
