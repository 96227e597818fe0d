"""Step ``prepare``: look for all that a release opens, read, split by patient, drop duplicates, hash, decode once; a
printed and drawn summary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console

from trainer.data import covid_radiography, kermany, nih
from trainer.data.about import ABOUT, NOT_STATED, about_films
from trainer.data.film import Film, data_folder, optional_folder
from trainer.kermany_set import FilmSet, train_and_validation
from trainer.prepared import RECORD, film_hashes
from trainer.runs import Run, RunName
from trainer.terminal import show

CLASS_NAMES = ("normal", "pneumonia")
WITHOUT = {
    nih.FOLDER: nih.WITHOUT,
    covid_radiography.FOLDER: "left out of external and refuse",
    "non_cxr": "left out of refuse",
}
"""Sets that some steps can do without, and what then becomes of them."""


def prepare(run: RunName) -> None:
    """Read the films, print and draw what they are, and write data.json; of the test films, the names alone.

    Raises:
        TrainerError: something that a later step of a release needs is missing or wrong.
    """
    folder, source, console = Run(run), data_folder(kermany.FOLDER), Console()
    found, test = kermany.read(source, "train"), kermany.read(source, "test")
    about = about_films(source)
    if adults_folder := optional_folder(nih.FOLDER):
        nih.read(adults_folder)
    for name in (name for name in WITHOUT if optional_folder(name) is None):
        console.print(f"{name} is not there: {WITHOUT[name]}")
    left = [path for split in ("train", "test") for path in kermany.passed_over(source, split)]
    if left:
        shown = ", ".join([*(path.name for path in left[:3]), *(["..."] if len(left) > 3 else [])])
        console.print(f"{len(left)} files passed over: {shown}", soft_wrap=True)
    train, validation = train_and_validation()
    summary = {
        "train": counts(train.films),
        "validation": counts(validation.films),
        "test": counts(test),
        "duplicates_dropped": len(found) - len(train.films) - len(validation.films),
        "files_passed_over": len(left),
        **film_hashes(train, validation),
        "about": about.model_dump(),
    }
    proof = folder.write_json(RECORD, summary)
    draw(train, folder)
    sets = ("train", "validation", "test")
    names = list(dict.fromkeys(name for each in sets for name in summary[each]))
    rows = [[name.replace("_", " "), *(summary[each].get(name, 0) for each in sets)] for name in names]
    show(f"{run}: films", ["", *sets], rows, proof)
    console.print(f"{summary['duplicates_dropped']} duplicates dropped; training set {summary['training_data_sha256']}")
    if about.source == NOT_STATED:
        console.print(f"{source / ABOUT} does not say whose films these are: nor will the model's card")


def counts(films: Sequence[Film]) -> dict[str, int]:
    """Films and patients by class, and pneumonias by cause."""
    result: dict[str, int] = {}
    for label, name in enumerate(CLASS_NAMES):
        chosen = [film for film in films if film.label == label]
        result[f"{name}_films"], result[f"{name}_patients"] = len(chosen), len({film.patient for film in chosen})
    causes = Counter(film.attributes["cause"] for film in films if "cause" in film.attributes)
    return {**result, **{f"{cause}_films": number for cause, number in sorted(causes.items())}}


def draw(films: FilmSet, run: Run) -> None:
    """Eight films of each class, evenly taken from the list."""
    figure, axes = plt.subplots(2, 8, figsize=(12, 3.3))
    for label, name in enumerate(CLASS_NAMES):
        rows = np.flatnonzero(films.labels == label)
        for axis, row in zip(axes[label], rows[np.linspace(0, len(rows) - 1, 8).astype(int)], strict=True):
            axis.imshow(films.pixels[row, 0], cmap="gray", vmin=0, vmax=255)
            axis.axis("off")
        axes[label, 0].set_title(name, loc="left", fontsize=9)
    figure.tight_layout()
    figure.savefig(run.path("films.png"), dpi=110)
    plt.close(figure)
