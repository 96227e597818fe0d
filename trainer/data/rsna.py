"""RSNA Pneumonia Detection Challenge 2018: ``stage_2_train_labels.csv``, class table, and one DICOM file a patient."""

from __future__ import annotations

from pathlib import Path

from trainer.data.film import NORMAL, PNEUMONIA, Film, existing, table
from trainer.errors import MissingFolder

SOURCE = "rsna"
LABELS, CLASSES, IMAGES = "stage_2_train_labels.csv", "stage_2_detailed_class_info.csv", "stage_2_train_images"


def read(folder: Path) -> list[Film]:
    """One film a patient, though a patient has one row a box; "No Lung Opacity / Not Normal" counts as no pneumonia.

    Raises:
        MissingFolder, MissingFile, MissingColumn.
    """
    rows = table(folder / LABELS, ("patientId", "Target"))
    images = existing(folder / IMAGES, "RSNA's DICOM folder")
    classes: dict[str, str] = {}
    if (folder / CLASSES).exists():
        details = table(folder / CLASSES, ("patientId", "class"))
        classes = dict(zip(details["patientId"], details["class"], strict=True))
    labels: dict[str, int] = {}
    for patient, target in zip(rows["patientId"], rows["Target"], strict=True):
        labels[patient] = max(labels.get(patient, NORMAL), PNEUMONIA if target == "1" else NORMAL)
    films = [_film(images / f"{patient}.dcm", label, classes.get(patient, "")) for patient, label in labels.items()]
    if not films:
        raise MissingFolder(f"{folder / LABELS} lists no patient")
    return films


def _film(path: Path, label: int, name: str) -> Film:
    return Film(path, label, path.stem, SOURCE, {"class": name} if name else {})
