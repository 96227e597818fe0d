"""A run's proofs as the pages read them; a proof that is not there is None, and its section says so."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.data.about import About
from trainer.data.kermany import OFFICIAL
from trainer.refusals import StepRefused
from trainer.runs import RUNS_DIR, Run

PICTURES = "pictures"
FINAL = "--final --why '...'"


@dataclass(frozen=True)
class Proofs:
    """What the steps left in ``runs/<name>/``, and the pictures that the pages have asked for."""

    run: Run
    also: tuple[Run, ...] = ()
    """Further runs, such as the teachers', whose proofs are read, in this order, where the first has none."""
    options: str = ""
    """What ``report`` was told beside the run."""
    pictures: dict[str, Path] = field(default_factory=dict)

    @property
    def runs(self) -> list[Run]:
        return [self.run, *self.also]

    def read(self, name: str) -> Any:
        found = [content for content in self.read_each(name).values() if content is not None]
        return found[0] if found else None

    def read_each(self, name: str) -> dict[str, Any]:
        """The proof of each run by its name, None where it is not there.

        Raises:
            StepRefused: it is of other weights than the run's card.
        """
        return {run.name: measured(run, name) for run in self.runs}

    def picture(self, name: str, caption: str) -> str:
        """The Markdown of a picture of the run, which is put beside the pages; empty where there is none."""
        paths = [RUNS_DIR / run.name / name for run in self.runs]
        path = next((path for path in paths if path.exists()), None)
        if path is None:
            return ""
        self.pictures[name] = path
        return f"![{caption}]({PICTURES}/{name})"

    def about(self) -> About:
        """Whose films the run was trained on, as ``prepare`` found it."""
        return About.model_validate((self.read("data.json") or {}).get("about", {}))

    def test_films(self) -> dict[str, int]:
        """Films and patients of the test set by class, as ``prepare`` counted them; empty where it did not."""
        return (self.read("data.json") or {}).get("test", {})

    def test_is_official(self) -> bool:
        """Whether the test set is the one that published work is measured on."""
        return {name: self.test_films().get(f"{name.lower()}_films") for name in OFFICIAL["test"]} == OFFICIAL["test"]

    def step(self, name: str, *more: str, proof: str = "") -> str:
        """The command that made a proof, with the run that holds it."""
        owner = (
            next((run for run, content in self.read_each(proof).items() if content is not None), None)
            if proof
            else None
        )
        return " ".join(word for word in (f"python -m trainer {name} --run {owner or self.run.name}", *more) if word)

    def written_by(self) -> str:
        """The command that writes the pages."""
        return self.step("report", self.options)

    def not_run(self, name: str) -> str:
        return f"*Not run for this model: `{self.step(name)}`.*"


def measured(run: Run, name: str) -> Any:
    """What a proof of a run says; proofs of before do not state the weights they are of."""
    folder = RUNS_DIR / run.name
    if not (folder / name).exists():
        return None
    content = json.loads((folder / name).read_text())
    if isinstance(content, list):
        _refuse_other_networks(run, name, content)
    if not (isinstance(content, dict) and "measured" in content):
        return content
    _refuse_other(folder / name, content["weights_sha256"], folder / "card.json")
    return content["measured"]


def _refuse_other_networks(run: Run, name: str, rows: list[dict[str, Any]]) -> None:
    """The same of rows, each of which states its networks (``seed0``, or ``run/seed0+run/seed1``)."""
    for row in rows:
        for network, stated in zip(
            row.get("name", "").split("+"), row.get("weights_sha256", "").split("+"), strict=False
        ):
            path = RUNS_DIR / (network if "/" in network else f"{run.name}/{network}")
            _refuse_other(RUNS_DIR / run.name / name, stated, path.with_suffix(".json"))


def _refuse_other(proof: Path, stated: str, network: Path) -> None:
    """See that a proof is of the weights that ``network`` states, where both state them."""
    there = json.loads(network.read_text()).get("weights_sha256") if network.exists() else None
    if stated and there not in (None, stated):
        raise StepRefused(
            f"{proof} is of weights {stated[:6]}..., {network} of {there[:6]}...: run the step that wrote it again, or "
            "remove it"
        )
