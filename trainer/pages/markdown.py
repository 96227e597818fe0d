"""Words and tables of the generated pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def number(value: Any, digits: int = 3) -> str:
    """A float with fixed digits, a whole number as it is, nothing as a dash."""
    if value is None or value != value:
        return "-"
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def interval(estimate: Mapping[str, float] | None, digits: int = 3) -> str:
    """``value (low to high)``, nothing as a dash."""
    if estimate is None:
        return "-"
    return f"{estimate['value']:.{digits}f} ({estimate['low']:.{digits}f} to {estimate['high']:.{digits}f})"


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], digits: int = 3) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(number(cell, digits) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def command(*lines: str) -> str:
    """Shell commands as a code block."""
    return "```\n" + "\n".join(lines) + "\n```"


def page(*parts: str) -> str:
    """Parts with one empty line between them."""
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"
