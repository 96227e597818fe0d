"""One film as a reader finds it, and where the data sets lie."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from trainer.errors import MissingColumn, MissingFolder

NORMAL, PNEUMONIA = 0, 1


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


def existing(path: Path, what: str) -> Path:
    """``path`` itself.

    Raises:
        MissingFolder: it is not there; ``what`` says what it should be.
    """
    if not path.exists():
        raise MissingFolder(f"{path}: {what}")
    return path


def table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a CSV as text and check its columns.

    Raises:
        MissingFolder, MissingColumn.
    """
    rows = pd.read_csv(existing(path, "a table"), dtype=str, keep_default_na=False)
    missing = [column for column in columns if column not in rows.columns]
    if missing:
        raise MissingColumn(f"{path.name} has no {', '.join(missing)}; it has {', '.join(rows.columns)}")
    return rows
