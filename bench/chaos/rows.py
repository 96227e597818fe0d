"""Finished rows on disk, so that a long run can be stopped and taken up again."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.chaos.memory import Memory
from bench.chaos.trial import Row
from deploy.local.settings import ROOT

STATE = ROOT / ".local" / "chaos"
KINDS: dict[str, type[Row] | type[Memory]] = {"row": Row, "memory": Memory}


@dataclass(frozen=True)
class Kept:
    """A finished row, the code that made it (``version``), and what it was asked for."""

    found: Row | Memory
    version: str
    images: int
    seed: int
    took_s: float

    def answers(self, version: str, images: int, seed: int) -> bool:
        """Whether a run with these would only find it again."""
        return (self.version, self.images, self.seed) == (version, images, seed)


def keep(folder: Path, name: str, kept: Kept) -> None:
    """Write a row, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    [kind] = [word for word, one in KINDS.items() if isinstance(kept.found, one)]
    unfinished = folder / f"{name}.unfinished"
    unfinished.write_text(json.dumps({**asdict(kept), "kind": kind}, indent=1))
    unfinished.replace(folder / f"{name}.json")


def kept_rows(folder: Path) -> dict[str, Kept]:
    """The rows that there are, by name."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        fields = json.loads(path.read_text())
        fields["found"] = KINDS[fields.pop("kind")](**fields["found"])
        found[path.stem] = Kept(**fields)
    return found


def code_version() -> str:
    """The commit at hand, with ``+`` when files differ from it; ``unknown`` where there is no git."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return "unknown"
    commit = _said(git, "rev-parse", "--short", "HEAD")
    changed = _said(git, "status", "--porcelain", "--untracked-files=no")
    return commit + ("+" if changed else "")


def _said(*words: str) -> str:
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
