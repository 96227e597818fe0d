"""Step ``prepare``: read, split by patient, drop duplicates, hash, decode once; a printed and drawn summary."""

from __future__ import annotations

from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console
from rich.table import Table

from trainer.data import kermany
from trainer.data.film import data_folder
from trainer.kermany_set import FilmSet, train_and_validation
from trainer.prepared import RECORD, film_hashes
from trainer.runs import Run, RunName

CLASS_NAMES = ("normal", "pneumonia")


def prepare(run: RunName) -> None:
    """Read the films, print and draw what they are, and write data.json."""
    folder = Run(run)
    train, validation = train_and_validation()
    source = data_folder("kermany_224")
    found = len(kermany.read(source, "train"))
    summary = {
        "train": counts(train),
        "validation": counts(validation),
        "duplicates_dropped": found - len(train.films) - len(validation.films),
        **film_hashes(train, validation),
    }
    folder.write_json(RECORD, summary)
    draw(train, folder)
    Console().print(summary_table({"train": train, "validation": validation}))
    Console().print(
        f"{summary['duplicates_dropped']} duplicates dropped; training set {summary['training_data_sha256']}"
    )


def counts(films: FilmSet) -> dict[str, int]:
    """Films and patients by class, and pneumonias by cause."""
    result: dict[str, int] = {}
    for label, name in enumerate(CLASS_NAMES):
        chosen = [film for film in films.films if film.label == label]
        result[f"{name}_films"], result[f"{name}_patients"] = len(chosen), len({film.patient for film in chosen})
    causes = Counter(film.attributes["cause"] for film in films.films if "cause" in film.attributes)
    return {**result, **{f"{cause}_films": number for cause, number in sorted(causes.items())}}


def summary_table(sets: dict[str, FilmSet]) -> Table:
    """Counts of each set side by side."""
    table = Table("", *sets, title="Kermany films")
    each = [counts(films) for films in sets.values()]
    for name in each[0]:
        table.add_row(name.replace("_", " "), *(str(count.get(name, 0)) for count in each))
    return table


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
