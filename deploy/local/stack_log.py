"""The log of ``make run``: every line of every part, and which part ended first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

LAST_LINES = 20
# As honcho writes them: "12:00:00 worker  | words of the worker", "12:00:00 system  | worker stopped (rc=-9)".
LINE = re.compile(r"[\d:]+ (\S+) *\| (.*)")
STOPPED = re.compile(r"(\S+) stopped \(rc=(-?\d+)\)")


@dataclass(frozen=True)
class Ending:
    """The part that ended first, its return code as Python has it, and its own last lines."""

    part: str
    returncode: int
    last_lines: tuple[str, ...]

    def __str__(self) -> str:
        code = self.returncode
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        kept = "Accepted films are kept: `make run` goes on with them."
        return f"{self.part} ended ({how}); the others were stopped. {kept}"


def fresh_log(folder: Path) -> Path:
    """Where to write; what was written last time is kept beside it as ``stack.log.1``."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "stack.log"
    if log.exists():
        log.replace(folder / "stack.log.1")
    return log


def first_ending(log: Path) -> Ending:
    """Who ended first: all the others were stopped because of that."""
    lines = [(line[1], line[2]) for line in map(LINE.match, log.read_text().splitlines()) if line]
    part, code = next(
        (stopped[1], int(stopped[2]))
        for who, words in lines
        if who == "system" and (stopped := STOPPED.fullmatch(words))
    )
    own = [words for who, words in lines if who == part]
    return Ending(part, code, tuple(own[-LAST_LINES:]))
