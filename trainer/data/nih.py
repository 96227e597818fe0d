"""NIH ChestX-ray14: the official ``Data_Entry`` table with its image folders, or a subset with a ``metadata.csv``.

The labels were mined from reports by text matching and are noisy; where radiologists read the film again (RSNA), their
class is an attribute. Attribution: NIH Clinical Center; Wang et al., CVPR 2017.
"""

from __future__ import annotations

from pathlib import Path

from trainer.data.film import NORMAL, PNEUMONIA, Film, all_there, existing, table
from trainer.errors import MissingFile

SOURCE = "nih"
FOLDER = "nih_chestxray14"
WITHOUT = "refusal is fitted on your films alone, and adults will be refused"
SUBSET_COLUMNS = ("file", "nih_labels_v2020", "patient", "age", "sex", "view", "rsna_class")
OFFICIAL_COLUMNS = ("Image Index", "Finding Labels", "Patient ID", "Patient Age", "Patient Gender", "View Position")


def read(folder: Path, image_list: Path | None = None) -> list[Film]:
    """All films of the folder that carry No Finding or Pneumonia; ``image_list`` is an official train or test list.

    Raises:
        MissingFolder, MissingFile, MissingColumn, UnreadableFilm (listed and not there).
    """
    existing(folder, "the NIH ChestX-ray14 folder")
    wanted = set(image_list.read_text().split()) if image_list else None
    if (folder / "metadata.csv").exists():
        rows = table(folder / "metadata.csv", SUBSET_COLUMNS).to_dict("records")
        found = [_film(row, SUBSET_COLUMNS, folder / "images" / Path(row["file"]).with_suffix(".jpg")) for row in rows]
    else:
        found = _official(folder)
    films = [film for film in found if film.label is not None and (wanted is None or film.path.name in wanted)]
    all_there(films, folder / "metadata.csv")
    return films


def _official(folder: Path) -> list[Film]:
    tables = sorted(folder.glob("Data_Entry*.csv"))
    if not tables:
        raise MissingFile(f"{folder} has neither metadata.csv nor Data_Entry*.csv")
    files = {path.name: path for path in folder.rglob("*.png")}
    rows = table(tables[-1], OFFICIAL_COLUMNS).to_dict("records")
    return [_film(row, OFFICIAL_COLUMNS, files[row["Image Index"]]) for row in rows if row["Image Index"] in files]


def _film(row: dict[str, str], columns: tuple[str, ...], path: Path) -> Film:
    _, findings, patient, age, sex, view = (row[column] for column in columns[:6])
    attributes = {"age": age.rstrip("Y"), "sex": sex, "view": view}
    if row.get("rsna_class"):
        attributes["rsna_class"] = row["rsna_class"]
    return Film(path, _label(findings), patient, SOURCE, attributes)


def _label(findings: str) -> int | None:
    names = {name.strip() for name in findings.split("|")}
    return PNEUMONIA if "Pneumonia" in names else NORMAL if names == {"No Finding"} else None
