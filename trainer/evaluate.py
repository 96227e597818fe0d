"""Step ``evaluate``: figures with 95 % patient-level intervals; the test films are opened only with ``--final``."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table as TerminalTable

from cxr.schemas import Estimate, OperatingPoint
from trainer.curves import draw_curves
from trainer.data.film import NORMAL
from trainer.intervals import estimates
from trainer.kermany_set import FilmSet, test_films
from trainer.metrics import Floats, Labels, counted_at, figures_at
from trainer.openings import Final, Why, refuse_without_reason
from trainer.prepared import prepared_films
from trainer.reliability import histogram, reliability_bins
from trainer.runs import Run, RunName
from trainer.scoring import served_scores
from trainer.seeds import Candidates, seed_figures
from trainer.served import served_of
from trainer.subgroups import Scored, table

CONSOLE = Console()


def evaluate(
    run: RunName,
    final: Final = False,
    each: Annotated[bool, typer.Option(help="With --final, also each of the run's networks by itself.")] = True,
    candidates: Annotated[
        str,
        typer.Option(help="Instead of those: run/seedN, comma-separated, with + between what answers together."),
    ] = "",
    why: Why = "",
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 2,
) -> None:
    """Score the served model and write the figures into card.json and figures.json."""
    torch.set_num_threads(threads)
    refuse_without_reason(final, why)
    folder = Run(run)
    served = served_of(folder)
    model, content, point = served.model, served.card, served.point
    train, validation = prepared_films(folder)
    sets: dict[str, FilmSet] = {"validation": validation}
    compared = Candidates.named(folder, candidates) if final and each else None  # what is missing is said unopened
    if final:
        sets["test"] = test_films(run, why, (train, validation))
    for name, films in sets.items():
        probabilities, ood = served_scores(model, films.pixels)
        np.savez(
            folder.path(f"scores/{name}.npz"),
            labels=films.labels,
            probabilities=probabilities,
            ood=ood,
            patients=films.patients,
        )
        measured = measure(films.labels, probabilities, films.patients, point)
        refused = (ood > point.ood_limit).astype(float)
        CONSOLE.print(figure_table(f"{run}: {name}, {len(films.films)} films", measured))
        CONSOLE.print(f"refused as no chest film: {refused.mean():.3%}")
        content["metrics"][name] = {figure: estimate.model_dump() for figure, estimate in measured.items()}
        if name == "validation":
            content["reference_histogram"] = histogram(probabilities)
        else:
            content["reliability"] = [each.model_dump() for each in reliability_bins(films.labels, probabilities)]
        draw_curves(films.labels, probabilities, point, folder.path(f"curves_{name}.png"))
        groups = cause_groups(Scored(films.films, films.labels, probabilities, ood > point.ood_limit))
        folder.write_proof(f"subgroups_{name}.json", served.weights_sha256, table(groups, point.threshold))
    folder.write_json("card.json", content)
    if compared:
        folder.write_json("seeds_test.json", seed_figures(folder, sets["test"], validation, compared))


def cause_groups(scored: Scored) -> dict[str, Scored]:
    """The pneumonias of each cause that films name, against all normals."""
    causes = sorted({film.attributes["cause"] for film in scored.films if "cause" in film.attributes})
    return {
        cause: scored.where(lambda film, c=cause: film.label == NORMAL or film.attributes.get("cause") == c)
        for cause in causes
    }


def measure(labels: Labels, probabilities: Floats, patients: list[str], point: OperatingPoint) -> dict[str, Estimate]:
    """All figures of one set at one operating point."""
    limits = (point.threshold, point.indeterminate_low, point.indeterminate_high)
    return estimates(labels, probabilities, patients, figures_at(*limits), counted=counted_at(*limits))


def figure_table(title: str, measured: dict[str, Estimate]) -> TerminalTable:
    """The figures as a table for the terminal."""
    shown = TerminalTable("figure", "value", "95 % interval", title=title)
    for name, estimate in measured.items():
        shown.add_row(name.replace("_", " "), f"{estimate.value:.4f}", f"{estimate.low:.4f} to {estimate.high:.4f}")
    return shown
