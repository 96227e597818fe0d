"""What a DICOM file says of its film that a reader of the answer must know."""

from __future__ import annotations

import warnings

import pydicom

from cxr.dicom.ages import age_years, outside_validated_range
from cxr.dicom.reading import read
from cxr.notes import NoteCode


def remarks_of(dataset: pydicom.Dataset) -> tuple[NoteCode, ...]:
    """An age that the model was validated on no patient of; text that is burnt in."""
    codes = []
    years = age_years(dataset)
    if years is not None and outside_validated_range(years):
        codes.append(NoteCode.AGE_OUTSIDE_VALIDATED_RANGE)
    if str(dataset.get("BurnedInAnnotation") or "").upper() == "YES":
        codes.append(NoteCode.BURNT_IN_TEXT_DECLARED)
    return tuple(codes)


def remarks_in(content: bytes, max_bytes: int) -> tuple[NoteCode, ...]:
    """The same of a file; nothing where its identity was taken off. Raises ``CorruptDicom``, ``FileTooLarge``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return remarks_of(read(content, max_bytes))
