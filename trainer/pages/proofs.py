"""A run's proofs as the pages read them; a proof that is not there is None, and its section says so."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.runs import RUNS_DIR, Run

DOCS = Path("docs")
PICTURES = DOCS / "pictures"


@dataclass(frozen=True)
class Proofs:
    """What the steps left in ``runs/<name>/``."""

    run: Run

    def read(self, name: str) -> Any:
        path = RUNS_DIR / self.run.name / name
        return json.loads(path.read_text()) if path.exists() else None

    def picture(self, name: str, caption: str) -> str:
        """Copy a picture of the run into ``docs/pictures`` and give its Markdown; empty where there is none."""
        path = RUNS_DIR / self.run.name / name
        if not path.exists():
            return ""
        PICTURES.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, PICTURES / name)
        return f"![{caption}](pictures/{name})"

    def step(self, name: str, more: str = "") -> str:
        """The command that made a proof."""
        return f"python -m trainer {name} --run {self.run.name}{' ' + more if more else ''}"

    def not_run(self, name: str) -> str:
        return f"*Not run for this model: `{self.step(name)}`.*"
