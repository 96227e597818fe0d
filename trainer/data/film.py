"""One film as a reader finds it, and where the data sets lie."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from trainer.errors import MissingColumn, MissingFile, MissingFolder, TrainerError, UnreadableFile, UnreadableFilm

NORMAL, PNEUMONIA = 0, 1
CLASSES = {"NORMAL": NORMAL, "PNEUMONIA": PNEUMONIA}
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".dcm"})
"""What the serving path reads; in files' names upper and lower case are alike."""


@dataclass(frozen=True)
class Film:
    """A film's file and what its data set says of it.

    ``label`` is 1 for pneumonia, 0 for none, None where the set does not say. ``patient`` is unique within ``source``.
    ``attributes`` holds what subgroups are made of: cause, age, sex, view.
    """

    path: Path
    label: int | None
    patient: str
    source: str
    attributes: Mapping[str, str] = field(default_factory=dict)


def data_folder(*parts: str) -> Path:
    """A folder below ``CXR_DATA`` (default ``../shared/data`` beside the working tree).

    Raises:
        MissingFolder: it is not there.
    """
    path = Path(os.environ.get("CXR_DATA", "../shared/data")).joinpath(*parts)
    if not path.exists():
        raise MissingFolder(f"{path}; set CXR_DATA to the folder that holds the data sets")
    return path


def optional_folder(*parts: str) -> Path | None:
    """The same, or None where it is not there: some steps can do without some sets."""
    try:
        return data_folder(*parts)
    except MissingFolder:
        return None


def existing(path: Path, what: str, missing: type[TrainerError] = MissingFolder) -> Path:
    """``path`` itself. Raises ``missing`` where it is not there, or no file; ``what`` says what it should be."""
    if not (path.is_file() if missing is MissingFile else path.exists()):
        raise missing(f"{path}: {what}")
    return path


def table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a CSV as text and check its columns.

    Raises:
        MissingFile, MissingColumn, UnreadableFile (not a CSV).
    """
    try:
        rows = pd.read_csv(existing(path, "a table", MissingFile), dtype=str, keep_default_na=False)
    except pd.errors.EmptyDataError as error:
        raise MissingColumn(f"{path} is empty; it needs {', '.join(columns)}") from error
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path}: {error}") from error
    missing = [column for column in columns if column not in rows.columns]
    if missing:
        raise MissingColumn(f"{path.name} has no {', '.join(missing)}; it has {', '.join(rows.columns)}")
    return rows


def all_there(films: Sequence[Film], listing: Path) -> None:
    """Every film that a table lists has its file.

    Raises:
        UnreadableFilm: naming the first that has none, and how many have none.
    """
    absent = [film.path for film in films if not film.path.is_file()]
    if absent:
        raise UnreadableFilm(f"{listing} lists {len(absent)} files that are not there, such as {absent[0]}")
