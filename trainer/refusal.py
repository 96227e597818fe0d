"""Step ``refuse``: what the out-of-distribution score refuses, by class of image; which were never used for a
choice.
"""

from __future__ import annotations

import numpy as np

from trainer.chest_films import adults
from trainer.data import pictures
from trainer.data.film import data_folder
from trainer.kermany_set import FilmSet
from trainer.metrics import Floats, auc
from trainer.model import ServedModel
from trainer.ood_forms import compare_forms
from trainer.prepared import prepared_films
from trainer.runs import Run, RunName
from trainer.scoring import served_scores
from trainer.served import served_of

CHEST = {
    "children, Kermany validation": None,
    "adults, NIH (never fitted on)": None,
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
    """Write refusal.json: share refused at the limit, and AUROC against children's and adults' films in equal
    numbers.
    """
    folder = Run(run)
    of_run = served_of(folder)
    model, limit = of_run.model, of_run.point.ood_limit
    (train, young), old = prepared_films(folder), adults().report
    scores = {name: scores_of_folder(model, where) for name, where in {**CHEST, **OTHER}.items() if where}
    scores["children, Kermany validation"] = served_scores(model, young.pixels)[1]
    scores["adults, NIH (never fitted on)"] = served_scores(model, old.pixels)[1]
    children, grown = scores["children, Kermany validation"], scores["adults, NIH (never fitted on)"]
    chest = np.concatenate([np.random.default_rng(0).choice(children, len(grown), replace=False), grown])
    rows = {name: line(scores[name], limit, chest if name in OTHER else None) for name in [*CHEST, *OTHER]}
    forms = compare_forms(
        model.networks[0],
        np.concatenate([train.pixels[:: len(train.films) // FORM_FILMS], adults().fit.pixels]),
        np.concatenate([young.pixels[:: max(1, len(young.films) // len(old.films))], old.pixels]),
        {name: pictured(OTHER[name]).pixels for name in CHOICE},
        {name: pictured(where).pixels for name, where in OTHER.items() if name not in CHOICE},
    )
    served = {"taps": list(model.ood.taps), "components": model.ood.components}
    folder.write_proof(
        "refusal.json",
        of_run.weights_sha256,
        {"limit": limit, "rows": rows, "served": served, "choice": {"classes": list(CHOICE), "rows": forms}},
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
