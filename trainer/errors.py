"""What can go wrong between films and a calibrated model; the codes join the tree of ``cxr.errors``.

    CxrError
    └── TrainerError          trainer_error
        ├── MissingFolder     missing_folder
        ├── MissingFile       missing_file
        ├── MissingColumn     missing_column
        ├── UnreadableFilm    unreadable_film
        ├── UnreadableFile    unreadable_file
        ├── UnknownPatient    unknown_patient
        ├── TooFewFilms       too_few_films
        ├── UnknownName       unknown_name
        └── MissingStep       missing_step

What export, gate and publish refuse is in ``trainer.refusals``.
"""

from __future__ import annotations

from cxr.errors import CxrError


class TrainerError(CxrError):
    """A step of the trainer cannot go on."""

    code = "trainer_error"
    sentence = "The trainer cannot go on."


class MissingFolder(TrainerError):
    code = "missing_folder"
    sentence = "A folder of films is not there."


class MissingFile(TrainerError):
    code = "missing_file"
    sentence = "A file is not there."


class MissingColumn(TrainerError):
    code = "missing_column"
    sentence = "A table lacks a column."


class UnreadableFilm(TrainerError):
    code = "unreadable_film"
    sentence = "A film cannot be read."


class UnreadableFile(TrainerError):
    code = "unreadable_file"
    sentence = "A file that describes the films cannot be read."


class UnknownPatient(TrainerError):
    code = "unknown_patient"
    sentence = "A film's name does not tell which patient it is of."


class TooFewFilms(TrainerError):
    code = "too_few_films"
    sentence = "There are too few films for this step."


class UnknownName(TrainerError):
    code = "unknown_name"
    sentence = "There is nothing of this name."


class MissingStep(TrainerError):
    code = "missing_step"
    sentence = "An earlier step has to be run first."
