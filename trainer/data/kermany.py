"""The folder layout of Kermany et al. 2018: ``<split>/<NORMAL|PNEUMONIA>/<name>.jpeg`` (doi:10.17632/rscbjbr9sj).

Films whose names do not tell the patient are listed in a ``films.csv`` beside the folders instead.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from trainer.data.film import CLASSES, NORMAL, PNEUMONIA, SUFFIXES, Film, all_there, existing, table
from trainer.errors import TooFewFilms, UnknownPatient, UnreadableFile

SOURCE = "kermany"
FOLDER = "kermany_224"
# personN is numbered separately for bacteria and virus, so a patient is the pair; normals are IM-N and NORMAL2-IM-N.
PATTERNS = {
    NORMAL: re.compile(r"((?:NORMAL2-)?IM-\d+)-"),
    PNEUMONIA: re.compile(r"(person\d+)_(bacteria|virus)_"),
}
PATTERNS_IN_WORDS = "NORMAL/IM-<patient>-*, NORMAL/NORMAL2-IM-<patient>-*, PNEUMONIA/person<patient>_<bacteria|virus>_*"
LISTING, LISTING_COLUMNS = "films.csv", ("file", "patient", "label", "split")
# Films of both classes, as published.
OFFICIAL = {"train": {"NORMAL": 1341, "PNEUMONIA": 3875}, "test": {"NORMAL": 234, "PNEUMONIA": 390}}


def read(folder: Path, split: str) -> list[Film]:
    """All films of one split (``train``, ``val``, ``test``), by name; those of ``films.csv``, where there is one.

    Raises:
        MissingFolder, MissingColumn, TooFewFilms, UnreadableFile, UnreadableFilm, UnknownPatient.
    """
    films = _listed(folder, split) if (folder / LISTING).exists() else _named(folder, split)
    if len({film.label for film in films}) < len(CLASSES):
        kinds = ", ".join(sorted(SUFFIXES))
        raise TooFewFilms(f"{folder / split} needs films ({kinds}) of both classes, {' and '.join(CLASSES)}")
    return films


def _named(folder: Path, split: str) -> list[Film]:
    films, strangers = [], []
    for name, label in CLASSES.items():
        for path in sorted(existing(folder / split / name, f"the {name} films of the {split} split").iterdir()):
            if path.suffix.lower() not in SUFFIXES:
                continue
            match = PATTERNS[label].match(path.name)
            if match is None:
                strangers.append(path)
                continue
            cause = {"cause": match[2]} if label == PNEUMONIA else {}
            films.append(Film(path, label, "_".join(match.groups()), SOURCE, cause))
    if strangers:
        raise UnknownPatient(
            f"{len(strangers)} of {len(films) + len(strangers)} files, such as {strangers[0]}; known are "
            f"{PATTERNS_IN_WORDS}; or list all films in {folder / LISTING}: {', '.join(LISTING_COLUMNS)}"
        )
    return films


def _listed(folder: Path, split: str) -> list[Film]:
    listing = folder / LISTING
    rows = table(listing, LISTING_COLUMNS).to_dict("records")
    films = []
    for number, row in enumerate(rows, 2):
        if row["label"] not in CLASSES or not row["patient"]:
            raise UnreadableFile(f"{listing}, line {number}: needs a patient, and as label {' or '.join(CLASSES)}")
        if row["split"] == split:
            cause = {"cause": row["cause"]} if row.get("cause") else {}
            films.append(Film(folder / row["file"], CLASSES[row["label"]], row["patient"], SOURCE, cause))
    all_there(films, listing)
    return films


def passed_over(folder: Path, split: str) -> list[Path]:
    """The files of a split that ``read`` does not take: of another kind, or not in ``films.csv``."""
    if (folder / LISTING).exists():
        taken = {film.path for film in _listed(folder, split)}
        return [path for path in _files(folder / split) if path not in taken]
    return [path for name in CLASSES for path in _files(folder / split / name) if path.suffix.lower() not in SUFFIXES]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def is_official(films: list[Film], split: str) -> bool:
    """Whether these are as many films of each class as the published split has."""
    return Counter(film.label for film in films) == {CLASSES[name]: n for name, n in OFFICIAL[split].items()}


def without_duplicates(films: list[Film], folder: Path) -> list[Film]:
    """Keep the first of each group in ``near_duplicates.csv`` (connected pairs of identical films), if there is one."""
    listing = folder / "near_duplicates.csv"
    if not listing.exists():
        return films
    pairs = table(listing, ("file_a", "file_b"))
    first: dict[str, str] = {}
    for a, b in zip(pairs["file_a"], pairs["file_b"], strict=True):
        kept = min(first.get(a, a), first.get(b, b))
        first.update({a: kept, b: kept})
    return [film for film in films if first.get(film.path.name, film.path.name) == film.path.name]
