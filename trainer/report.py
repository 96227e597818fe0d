"""Step ``report``: make pages from a run's proofs; missing proofs are named on the page.

All is made before anything is written, so that what is there stays whole if a proof cannot be read.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from trainer.pages.experiments import experiments
from trainer.pages.fairness import fairness
from trainer.pages.model_card import model_card
from trainer.pages.proofs import PICTURES, Proofs
from trainer.pages.results import results
from trainer.runs import Run, RunName


def report(
    run: RunName,
    also: Annotated[
        str, typer.Option(help="Runs to read missing proofs from, such as the teachers', comma-separated.")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the pages; default: runs/<run>/report. This project's own are in docs."),
    ] = None,
) -> None:
    """Write results.md, model_card.md, privacy_and_fairness.md and their pictures, and renew the tables of an
    experiments.md that lies there.
    """
    folder = Run(run)
    folder.existing("card.json", "calibrate")
    options = [f"--also {also}"] if also else []
    options += [f"--out {out}"] if out else []
    proofs = Proofs(folder, tuple(Run(name) for name in also.split(",") if name), " ".join(options))
    where = out or folder.path("report")
    pages = {
        "results.md": results(proofs),
        "model_card.md": model_card(proofs),
        "privacy_and_fairness.md": fairness(proofs),
    }
    if (log := where / "experiments.md").exists():
        pages[log.name] = experiments(log.read_text())
    (where / PICTURES).mkdir(parents=True, exist_ok=True)
    for name, picture in proofs.pictures.items():
        shutil.copy(picture, where / PICTURES / name)
    for name, text in pages.items():
        (where / name).write_text(text)
    Console().print(f"{where}: {', '.join(pages)}, written from runs/{run}", soft_wrap=True)
