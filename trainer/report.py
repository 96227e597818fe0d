"""Step ``report``: write the pages under ``docs/`` from a run's proofs; missing proofs are named on the page."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from trainer.pages.experiments import PAGE, experiments
from trainer.pages.fairness import fairness
from trainer.pages.model_card import model_card
from trainer.pages.proofs import DOCS, Proofs
from trainer.pages.results import results
from trainer.runs import Run, RunName


def report(
    run: RunName,
    also: Annotated[
        str, typer.Option(help="Runs to read missing proofs from, such as the teachers', comma-separated.")
    ] = "",
) -> None:
    """Write results.md, model_card.md, privacy_and_fairness.md and the tables of experiments.md."""
    folder = Run(run)
    folder.existing("card.json", "calibrate")
    proofs = Proofs(folder, tuple(Run(name) for name in also.split(",") if name))
    DOCS.mkdir(exist_ok=True)
    (DOCS / "results.md").write_text(results(proofs))
    (DOCS / "model_card.md").write_text(model_card(proofs))
    (DOCS / "privacy_and_fairness.md").write_text(fairness(proofs))
    PAGE.write_text(experiments())
    Console().print(f"docs/ written from runs/{run}")
