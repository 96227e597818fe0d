"""A run is a folder ``runs/<name>``: every step writes its proof there and reads the earlier steps' from there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from trainer.errors import MissingStep

RUNS_DIR = Path("runs")
RunName = Annotated[str, typer.Option("--run", help="Name of the run: its folder under runs/.")]


@dataclass(frozen=True)
class Run:
    """The folder of one run."""

    name: str

    @property
    def folder(self) -> Path:
        path = RUNS_DIR / self.name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def path(self, name: str) -> Path:
        """Where a proof lies or will lie."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def existing(self, name: str, step: str) -> Path:
        """The path of a proof that an earlier ``step`` must have written.

        Raises:
            MissingStep: it has not.
        """
        path = RUNS_DIR / self.name / name
        if not path.exists():
            raise MissingStep(f"{path} is missing: run `python -m trainer {step} --run {self.name}` first")
        return path

    def write_json(self, name: str, content: Any) -> Path:
        """Write a proof whole or not at all."""
        path = self.path(name)
        unfinished = path.with_suffix(".part")
        unfinished.write_text(json.dumps(content, indent=2) + "\n")
        unfinished.replace(path)
        return path

    def read_json(self, name: str, step: str) -> Any:
        return json.loads(self.existing(name, step).read_text())
