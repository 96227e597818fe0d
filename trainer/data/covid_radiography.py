"""COVID-19 Radiography Database: ``<class>/images/*.png`` (its masks are not read; terms unverified, evaluation only).

Its Normals come from RSNA and its COVID films from many public collections, so source and class are tied: read its
figures as a test of refusal and of films from elsewhere, not as detection of COVID-19.
"""

from __future__ import annotations

from pathlib import Path

from trainer.data.film import NORMAL, PNEUMONIA, Film, existing
from trainer.errors import MissingFolder

SOURCE = FOLDER = "covid_radiography"
CLASSES = {"Normal": NORMAL, "COVID": PNEUMONIA, "Viral Pneumonia": PNEUMONIA, "Lung_Opacity": PNEUMONIA}


def read(folder: Path) -> list[Film]:
    """All films of the classes that are there; every film counts as a patient, the set does not say more.

    Raises:
        MissingFolder: none of the class folders is there.
    """
    existing(folder, "the COVID-19 Radiography folder")
    films = []
    for name, label in CLASSES.items():
        for path in sorted((folder / name / "images").glob("*.png")):
            films.append(Film(path, label, path.stem, SOURCE, {"class": name}))
    if not films:
        raise MissingFolder(f"{folder} holds none of {', '.join(f'{name}/images/*.png' for name in CLASSES)}")
    return films
