"""What is not one frontal chest film, told from a file's attributes before its pixels are touched."""

from __future__ import annotations

import re

import pydicom
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from cxr.errors import (
    CorruptDicom,
    MultiFrameDicom,
    TooManyPixels,
    UnsupportedFormat,
    UnsupportedTransferSyntax,
    WrongBodyPart,
    WrongModality,
)

# Projection radiography: DICOM PS3.3 C.7.3.1.1.1, Modality defined terms.
PROJECTION_MODALITIES = frozenset({"CR", "DX", "RG"})
# DICOM PS3.16 annex L names CHEST; THORAX and LUNG are what modalities also write for the same region.
CHEST_NAMES = frozenset({"CHEST", "THORAX", "LUNG"})
# DICOM PS3.3 C.8.11.5.1.2 / C.8.1.2: views of the chest that are not frontal.
LATERAL_VIEWS = frozenset({"LL", "RL", "LLD", "RLD", "LLO", "RLO", "LATERAL", "LAT"})
# DICOM PS3.3 C.7.6.3.1.2: the pixels are places in tables of colours (C.7.6.3.1.5), which are no attributes of a film.
PALETTE = "PALETTE COLOR"
# DICOM PS3.5 6.2, code string and unique identifier: what of a file may be repeated in a message.
REPEATABLE = re.compile(r"[A-Z0-9_ ]{1,16}|[0-9.]{1,64}")


def refuse_what_is_not_one_chest_film(dataset: pydicom.Dataset, max_pixels: int) -> None:
    """Raises ``WrongModality``, ``WrongBodyPart``, ``MultiFrameDicom``, ``UnsupportedFormat``, ``CorruptDicom``,
    ``TooManyPixels``.
    """
    modality = str(dataset.get("Modality", "")).upper()
    if modality not in PROJECTION_MODALITIES:
        raise WrongModality(word(modality) if modality else "no modality")
    body_part = str(dataset.get("BodyPartExamined") or "").upper()
    if body_part and body_part not in CHEST_NAMES:
        raise WrongBodyPart(word(body_part))
    view = str(dataset.get("ViewPosition") or "").upper()
    if view in LATERAL_VIEWS:
        raise WrongBodyPart(f"view {view}")
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        raise MultiFrameDicom(f"{int(dataset.NumberOfFrames)} frames")
    if str(dataset.get("PhotometricInterpretation") or "").strip().upper() == PALETTE:
        raise UnsupportedFormat(f"a DICOM film in {PALETTE}; send it in grey levels")
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    if rows < 1 or columns < 1 or "PixelData" not in dataset:
        raise CorruptDicom("no pixels")
    if rows * columns > max_pixels:
        raise TooManyPixels(f"{columns} x {rows}, at most {max_pixels / 1e6:.0f} million")
    allocated, stored = int(dataset.get("BitsAllocated") or 0), int(dataset.get("BitsStored") or 0)
    if allocated not in (8, 16) or not 1 <= stored <= allocated:
        raise CorruptDicom(f"{stored} bits of {allocated}")


def readable_syntax(dataset: pydicom.Dataset) -> UID:
    """The file's transfer syntax. Raises ``UnsupportedTransferSyntax`` where no decoder is at hand."""
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    try:
        readable = get_decoder(syntax).is_available
    except NotImplementedError:
        readable = False
    if not readable:
        raise UnsupportedTransferSyntax(word(syntax) if syntax.name == syntax else syntax.name)
    return syntax


def word(value: str) -> str:
    """A value from the file for a message, if it can be nothing but a code: damage may put anything in its place."""
    return value if REPEATABLE.fullmatch(value) else "an unreadable value"
