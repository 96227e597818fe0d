"""What a sender calls a file: kept so that it can be shown, and used for nothing else."""

from __future__ import annotations

LONGEST_NAME = 255  # characters; of a longer one the end is kept, which tells files apart


def printable(name: str) -> str:
    """The name with a replacement for every character that cannot be printed."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)


def shown_name(name: str) -> str:
    """A name as it is kept: printable, of bounded length, never empty."""
    return printable(name)[-LONGEST_NAME:] or "unnamed"
