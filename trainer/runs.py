"""A run is a folder ``runs/<name>``: every step writes its proof there and reads the earlier steps' from there."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from trainer.errors import MissingStep
from trainer.refusals import StepRefused

RUNS_DIR = Path("runs")
NAME = re.compile(r"[A-Za-z0-9_-]+")


def run_name(name: str) -> str:
    """The name itself, if it names a folder under ``runs/`` and no other place.

    Raises:
        StepRefused: it does not.
    """
    if not NAME.fullmatch(name):
        raise StepRefused(f"a run is named with letters, digits, _ and - alone, not {name!r}")
    return name


RunName = Annotated[str, typer.Option("--run", help="Name of the run: its folder under runs/.", callback=run_name)]


def seed_numbers(seeds: str) -> list[int]:
    """What ``--seeds`` lists.

    Raises:
        StepRefused: it holds something else than whole numbers.
    """
    if not re.fullmatch(r"\d+(,\d+)*", seeds):
        raise StepRefused(f"--seeds takes whole numbers with commas between, such as 0,1,2, not {seeds!r}")
    return [int(seed) for seed in seeds.split(",")]


@dataclass(frozen=True)
class Run:
    """The folder of one run."""

    name: str

    def __post_init__(self) -> None:
        run_name(self.name)

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

    def write_proof(self, name: str, weights_sha256: str, measured: Any) -> Path:
        """Write what was measured of one network, with the hash of its weights."""
        return self.write_json(name, {"weights_sha256": weights_sha256, "measured": measured})

    def read_json(self, name: str, step: str) -> Any:
        return json.loads(self.existing(name, step).read_text())
