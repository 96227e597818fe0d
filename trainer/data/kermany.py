"""The folder layout of Kermany et al. 2018: ``<split>/<NORMAL|PNEUMONIA>/<name>.jpeg`` (doi:10.17632/rscbjbr9sj)."""

from __future__ import annotations

import re
from pathlib import Path

from trainer.data.film import NORMAL, PNEUMONIA, Film, existing, table
from trainer.errors import TooFewFilms, UnreadableFilm

SOURCE = "kermany"
CLASSES = {"NORMAL": NORMAL, "PNEUMONIA": PNEUMONIA}
# personN is numbered separately for bacteria and virus, so a patient is the pair; normals are IM-N and NORMAL2-IM-N.
PNEUMONIA_NAME = re.compile(r"(person\d+)_(bacteria|virus)_")
NORMAL_NAME = re.compile(r"((?:NORMAL2-)?IM-\d+)-")


def read(folder: Path, split: str) -> list[Film]:
    """All films of one split (``train``, ``val``, ``test``), by name.

    Raises:
        MissingFolder, TooFewFilms, UnreadableFilm (a name of another pattern).
    """
    films = []
    for name, label in CLASSES.items():
        files = existing(folder / split / name, f"the {name} films of Kermany's {split} split").glob("*.jpeg")
        films += [_film(path, label) for path in sorted(files)]
    if len({film.label for film in films}) < len(CLASSES):
        raise TooFewFilms(f"{folder / split} needs *.jpeg files of both classes")
    return films


def _film(path: Path, label: int) -> Film:
    match = (PNEUMONIA_NAME if label == PNEUMONIA else NORMAL_NAME).match(path.name)
    if match is None:
        raise UnreadableFilm(f"{path}: the name does not say which patient it is")
    cause = {"cause": match[2]} if label == PNEUMONIA else {}
    return Film(path, label, "_".join(match.groups()), SOURCE, cause)


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
