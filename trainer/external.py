"""Step ``external``: the served model on films from elsewhere, by label set, view, age and sex. It was not made for
them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import rich

from cxr.schemas import OperatingPoint
from trainer.data import covid_radiography, nih
from trainer.data.film import Film, optional_folder
from trainer.errors import MissingFolder
from trainer.kermany_set import FilmSet
from trainer.model import ServedModel
from trainer.runs import Run, RunName
from trainer.scoring import served_scores
from trainer.served import served_of
from trainer.subgroups import Scored, table
from trainer.terminal import show

# RSNA's radiologists: an opacity that could be pneumonia against everything else.
RSNA_CLASSES = {"Lung Opacity": 1, "No Lung Opacity / Not Normal": 0, "Normal": 0}
# Majority, and the usual start of "older" in health statistics (United Nations, World Population Ageing 2019).
CHILD, OLD = 18, 65
NIH, COVID = nih.FOLDER, covid_radiography.FOLDER


def external(run: RunName) -> None:
    """Write external.json: NIH by both label sets, view, age and sex; COVID radiography; of both, what is there."""
    folder = Run(run)
    served = served_of(folder)
    model, point = served.model, served.point
    groups: dict[str, Scored] = {}
    if where := optional_folder(NIH):
        scored = score(model, nih.read(where), point)
        groups |= {f"NIH, {name}": part for name, part in nih_groups(scored).items()}
    if where := optional_folder(COVID):
        groups["COVID radiography, COVID against Normal"] = score(model, covid_radiography.read(where), point)
    if not groups:
        raise MissingFolder(f"neither {NIH} nor {COVID} is beside your films: there is nothing to measure on")
    rows = table(groups, point.threshold)
    names = ("films", "patients", "auc", "auc_low", "auc_high", "sensitivity", "specificity", "refused")
    lines = [[name, *(row.get(each) for each in names)] for name, row in rows.items()]
    columns = ["", *(name.replace("_", " ") for name in names)]
    proof = folder.write_proof("external.json", served.weights_sha256, rows)
    show(f"{run}: films from elsewhere", columns, lines, proof)
    for name in (NIH, COVID):
        if optional_folder(name) is None:
            rich.print(f"not there, so left out: {name}")


def score(model: ServedModel, films: list[Film], point: OperatingPoint) -> Scored:
    """The model's answers on labelled films."""
    film_set = FilmSet.of(films)
    probabilities, ood = served_scores(model, film_set.pixels)
    return Scored(films, film_set.labels, probabilities, ood > point.ood_limit)


def nih_groups(scored: Scored) -> dict[str, Scored]:
    """The NIH films by what is known of them; the first two rows are the two label sets."""
    read_again = scored.where(lambda film: film.attributes.get("rsna_class") in RSNA_CLASSES)
    relabelled = np.array([RSNA_CLASSES[film.attributes["rsna_class"]] for film in read_again.films], np.int64)
    both_labels = {
        "labels mined from reports": scored,
        "RSNA radiologists' labels": replace(read_again, labels=relabelled),
    }
    parts: dict[str, Callable[[Film], bool]] = {
        "view PA": lambda film: film.attributes["view"] == "PA",
        "view AP": lambda film: film.attributes["view"] == "AP",
        f"age below {CHILD}": lambda film: _age(film) < CHILD,
        f"age {CHILD} to {OLD - 1}": lambda film: CHILD <= _age(film) < OLD,
        f"age {OLD} and over": lambda film: _age(film) >= OLD,
        "women": lambda film: film.attributes["sex"] == "F",
        "men": lambda film: film.attributes["sex"] == "M",
    }
    return {**both_labels, **{name: scored.where(chosen) for name, chosen in parts.items()}}


def _age(film: Film) -> int:
    return int(film.attributes["age"])
