"""Sections of documents that a command writes; several commands may each own one section of a document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

BEGIN, END = "<!-- written by {owner}: begin -->", "<!-- written by {owner}: end -->"


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Words on the left, figures on the right."""
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_section(document: Path, owner: str, heading: str, text: str) -> None:
    """Replace the section between ``owner``'s marks, or add it at the end; the rest of the document stays."""
    begin, end = BEGIN.format(owner=owner), END.format(owner=owner)
    section = f"{begin}\n\n## {heading}\n\n{text.strip()}\n\n{end}"
    before = document.read_text() if document.exists() else "# Reliability\n"
    if begin in before:
        head, _, rest = before.partition(begin)
        _, _, tail = rest.partition(end)
        after = head + section + tail
    else:
        after = f"{before.rstrip()}\n\n{section}\n"
    document.parent.mkdir(parents=True, exist_ok=True)
    document.write_text(after)
