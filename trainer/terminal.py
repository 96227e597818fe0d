"""What a step says when it is done: a table of what it found, and where the proof lies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from trainer.pages.markdown import number


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], proof: Path | None = None) -> None:
    """Print a table, numbers as the pages have them, and the path of its proof."""
    table = Table(title=title)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(number(cell) for cell in row))
    console = Console()
    console.print(table)
    if proof is not None:
        console.print(f"written to {proof}", soft_wrap=True)
