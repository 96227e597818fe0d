"""Openings of the test films: each is asked for with a reason, counted and written down."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import rich
import typer

from trainer.refusals import StepRefused

# Kept under version control: how often the test films were looked at is part of what their figures are worth.
OPENINGS = Path("docs/test_openings.log")

Final = Annotated[
    bool, typer.Option("--final", help="Open the test films as well; needs --why, and every opening is logged.")
]
Why = Annotated[str, typer.Option(help="Why the test films are opened, for the log.")]


def refuse_without_reason(final: bool, why: str) -> None:
    """See that an opening has its reason, before anything is done.

    Raises:
        StepRefused: it has none.
    """
    if final and not why.strip():
        raise StepRefused(f"--final opens the test films: say with --why what for; it goes into {OPENINGS}")


def write_down(run: str, why: str) -> None:
    """Log an opening and say its number."""
    OPENINGS.parent.mkdir(parents=True, exist_ok=True)
    lines = OPENINGS.read_text().splitlines() if OPENINGS.exists() else []
    before = sum(line[20:].startswith(f"{run}: ") for line in lines)
    with OPENINGS.open("a") as log:
        log.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {run}: {' '.join(why.split())}\n")
    rich.print(f"This is opening {before + 1} of the test films for run {run} ({OPENINGS}).")
