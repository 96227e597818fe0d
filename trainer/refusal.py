"""Step ``refuse``: what the out-of-distribution score refuses, by class of image; which were never used for a
choice.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import rich

from trainer.chest_films import Adults, adults
from trainer.data import pictures
from trainer.data.film import data_folder, optional_folder
from trainer.kermany_set import FilmSet
from trainer.metrics import Floats, auc
from trainer.model import ServedModel
from trainer.ood_forms import compare_forms
from trainer.prepared import prepared_films
from trainer.runs import Run, RunName
from trainer.scoring import served_scores
from trainer.served import served_of
from trainer.terminal import show

VALIDATION, ADULTS = "validation films", "adults, NIH (never fitted on)"
CHEST = {
    "DICOM chest films": "dicom/cxr",
    "COVID radiography, COVID": "covid_radiography/COVID",
    "COVID radiography, Normal": "covid_radiography/Normal",
    "Kermany originals": "kermany_originals/val",
}
OTHER = {
    "photographs and text": "non_cxr/skimage_sklearn",
    "bone films": "non_cxr/bone_xray",
    "brain MRI": "non_cxr/brain_mri",
    "CT slices": "non_cxr/ct_slices",
    "lateral chest films": "non_cxr/lateral_cxr",
}
# The form of the score (which stages, how many components) is judged on these; the other kinds are held out of that
# choice.
CHOICE = ("photographs and text", "bone films")
FORM_FILMS = 800


def refuse(run: RunName) -> None:
    """Write refusal.json: share refused at the limit, and AUROC against validation and adults' films in equal
    numbers; sets that are not there are named and left out.
    """
    folder = Run(run)
    of_run = served_of(folder)
    model, limit = of_run.model, of_run.point.ood_limit
    (train, young), grown = prepared_films(folder), adults()
    there = {name: where for name, where in {**CHEST, **OTHER}.items() if optional_folder(where)}
    absent = sorted({**CHEST, **OTHER}.keys() - there.keys()) + ([] if grown else [ADULTS])
    scores = {VALIDATION: served_scores(model, young.pixels)[1]}
    if grown:
        scores[ADULTS] = served_scores(model, grown.report.pixels)[1]
    chest = in_equal_numbers(list(scores.values()))
    scores |= {name: scores_of_folder(model, where) for name, where in there.items()}
    rows = {name: line(found, limit, chest if name in OTHER else None) for name, found in scores.items()}
    content = {"limit": limit, "rows": rows, "absent": absent, "choice": None}
    if set(CHOICE) <= there.keys() and len(there.keys() & OTHER.keys()) > len(CHOICE):
        content["choice"] = {"classes": list(CHOICE), "rows": forms_of(model, train, young, grown, there)}
        content["served"] = {"taps": list(model.ood.taps), "components": model.ood.components}
    names = ("images", "refused", "auroc", "lowest", "median", "highest")
    lines = [[name, *(row.get(each) for each in names)] for name, row in rows.items()]
    proof = folder.write_proof("refusal.json", of_run.weights_sha256, content)
    show(f"{run}: refused above {limit:.3f}", ["", *names], lines, proof)
    if absent:
        rich.print(f"not there, so left out: {'; '.join(absent)}")


def in_equal_numbers(groups: list[Floats]) -> Floats:
    """As many of each group as the smallest has, one after the other."""
    random, count = np.random.default_rng(0), min(map(len, groups))
    return np.concatenate([random.choice(scores, count, replace=False) for scores in groups])


def forms_of(
    model: ServedModel, train: FilmSet, young: FilmSet, grown: Adults | None, there: dict[str, str]
) -> list[dict[str, Any]]:
    """Other forms of the score, judged on the kinds of the choice and shown on those held out of it."""
    fit, chest = [train.pixels[:: max(1, len(train.films) // FORM_FILMS)]], [young.pixels]
    if grown:
        fit.append(grown.fit.pixels)
        chest = [young.pixels[:: max(1, len(young.films) // len(grown.report.films))], grown.report.pixels]
    return compare_forms(
        model.networks[0],
        np.concatenate(fit),
        np.concatenate(chest),
        {name: pictured(there[name]).pixels for name in CHOICE},
        {name: pictured(where).pixels for name, where in there.items() if name in OTHER and name not in CHOICE},
    )


def scores_of_folder(model: ServedModel, where: str) -> Floats:
    """Scores of every readable image of a folder of the data."""
    return served_scores(model, pictured(where).pixels)[1]


def pictured(where: str) -> FilmSet:
    """The readable images of a folder of the data."""
    return FilmSet.of(pictures.read(data_folder(where), where))


def line(scores: Floats, limit: float, chest: Floats | None) -> dict[str, float]:
    """One row: images, share refused, score range, AUROC where there are chest films to compare with."""
    result = {"images": len(scores), "refused": float((scores > limit).mean())}
    result |= {"lowest": float(scores.min()), "median": float(np.median(scores)), "highest": float(scores.max())}
    if chest is not None:
        labels = np.concatenate([np.zeros(len(chest), np.int64), np.ones(len(scores), np.int64)])
        result["auroc"] = auc(labels, np.concatenate([chest, scores]))
    return result
