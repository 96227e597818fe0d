"""What is special about DICOM: refusing what is not one chest film, and turning its pixels into display grey levels."""

from __future__ import annotations

import io
import re
import warnings

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import JPEG2000, UID, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from cxr.codestreams import frame_header
from cxr.deflated import inflates_beyond
from cxr.errors import (
    CorruptDicom,
    FileTooLarge,
    ImageRejected,
    MultiFrameDicom,
    TooManyPixels,
    UnsupportedTransferSyntax,
    WrongBodyPart,
    WrongModality,
)
from cxr.grey import stretch_to_uint8, to_uint8

# Projection radiography: DICOM PS3.3 C.7.3.1.1.1, Modality defined terms.
PROJECTION_MODALITIES = frozenset({"CR", "DX", "RG"})
# DICOM PS3.16 annex L names CHEST; THORAX and LUNG are what modalities also write for the same region.
CHEST_NAMES = frozenset({"CHEST", "THORAX", "LUNG"})
# DICOM PS3.3 C.8.11.5.1.2 / C.8.1.2: views of the chest that are not frontal.
LATERAL_VIEWS = frozenset({"LL", "RL", "LLD", "RLD", "LLO", "RLO", "LATERAL", "LAT"})
# DICOM PS3.5 6.2, code string and unique identifier: what of a file may be repeated in a message.
REPEATABLE = re.compile(r"[A-Z0-9_ ]{1,16}|[0-9.]{1,64}")
# Two decoders give the same pixels for these; gdcm aborts the process on damage that Pillow reports.
READ_BY_PILLOW = frozenset({JPEGBaseline8Bit, JPEG2000, JPEG2000Lossless})
MAX_PIXEL_BYTES = 4  # two bytes of grey, and as much again for whatever stands around them


def looks_like_dicom(content: bytes) -> bool:
    """Tell a DICOM file by its ``DICM`` mark, or, where the preamble was dropped, by its first group (0002 or 0008)."""
    if content[128:132] == b"DICM":
        return True
    meta_group_first = content[:4] in (b"\x02\x00\x00\x00", b"\x02\x00\x01\x00", b"\x02\x00\x10\x00")
    return meta_group_first or (content[:2] == b"\x08\x00" and content[3:4] == b"\x00")


def grey_levels(content: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """Read one chest film: file bytes in, [rows, columns] uint8 out, air dark and bone bright.

    Raises:
        CorruptDicom, WrongModality, WrongBodyPart, MultiFrameDicom, TooManyPixels, UnsupportedTransferSyntax,
        FileTooLarge (deflated, and inflates to more than pixels can need).
    """
    if inflates_beyond(content, MAX_PIXEL_BYTES * max_pixels):
        raise FileTooLarge("it inflates too much")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns on every small deviation; what matters is checked below
        dataset = _read(content)
        try:
            _refuse_what_is_not_one_chest_film(dataset, max_pixels)
            return _display(dataset)
        except (ImageRejected, MemoryError):
            raise
        except Exception as error:  # any other fault of a foreign file is damage
            raise CorruptDicom(type(error).__name__) from error


def _read(content: bytes) -> pydicom.Dataset:
    try:
        dataset = pydicom.dcmread(io.BytesIO(content), force=True)
        len(dataset)
    except MemoryError:
        raise
    except Exception as error:
        raise CorruptDicom(type(error).__name__) from error
    if "Modality" not in dataset and "SOPClassUID" not in dataset:
        raise CorruptDicom("neither Modality nor SOPClassUID")
    return dataset


def _refuse_what_is_not_one_chest_film(dataset: pydicom.Dataset, max_pixels: int) -> None:
    modality = str(dataset.get("Modality", "")).upper()
    if modality not in PROJECTION_MODALITIES:
        raise WrongModality(_word(modality) if modality else "no modality")
    body_part = str(dataset.get("BodyPartExamined") or "").upper()
    if body_part and body_part not in CHEST_NAMES:
        raise WrongBodyPart(_word(body_part))
    view = str(dataset.get("ViewPosition") or "").upper()
    if view in LATERAL_VIEWS:
        raise WrongBodyPart(f"view {view}")
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        raise MultiFrameDicom(f"{int(dataset.NumberOfFrames)} frames")
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    if rows < 1 or columns < 1 or "PixelData" not in dataset:
        raise CorruptDicom("no pixels")
    if rows * columns > max_pixels:
        raise TooManyPixels(f"{columns} x {rows}, at most {max_pixels / 1e6:.0f} million")


def _display(dataset: pydicom.Dataset) -> NDArray[np.uint8]:
    """Apply modality LUT, then VOI LUT or window where the file has one, then turn MONOCHROME1 the right way round."""
    stored = _stored_pixels(dataset)
    if stored.ndim == 3:
        stored = stored.mean(axis=2)
    levels = apply_modality_lut(stored, dataset)
    if _has_window(dataset):
        shown = apply_voi_lut(levels, dataset)
        grey = to_uint8(shown, float(shown.min()), float(shown.max()))
    elif int(dataset.get("BitsStored", 8)) <= 8:
        grey = to_uint8(levels, 0, 255)
    else:
        grey = stretch_to_uint8(levels)
    return 255 - grey if dataset.get("PhotometricInterpretation") == "MONOCHROME1" else grey


def _has_window(dataset: pydicom.Dataset) -> bool:
    if "VOILUTSequence" in dataset:
        return True
    width = dataset.get("WindowWidth")
    widths = width if isinstance(width, pydicom.multival.MultiValue) else [width]
    return dataset.get("WindowCenter") is not None and any(w is not None and float(w) > 1 for w in widths)


def _stored_pixels(dataset: pydicom.Dataset) -> NDArray[np.generic]:
    """The pixels as stored, decompressed: [rows, columns], or [rows, columns, 3]."""
    _assume_little_endian_where_unsaid(dataset)
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    try:
        readable = get_decoder(syntax).is_available
    except NotImplementedError:
        readable = False
    if not readable:
        raise UnsupportedTransferSyntax(_word(syntax) if syntax.name == syntax else syntax.name)
    if syntax.is_encapsulated and syntax != RLELossless:
        _check_frame(dataset)
    if syntax in READ_BY_PILLOW:
        dataset.pixel_array_options(decoding_plugin="pillow")
    return dataset.pixel_array


def _check_frame(dataset: pydicom.Dataset) -> None:
    """Raises ``CorruptDicom`` when the compressed frame is not what the file says, ``ValueError`` for damage."""
    frame = frame_header(get_frame(dataset.PixelData, 0, number_of_frames=1))
    if frame is None:
        raise CorruptDicom("no compressed frame")
    if (frame.rows, frame.columns, frame.samples) != (dataset.Rows, dataset.Columns, dataset.SamplesPerPixel):
        raise CorruptDicom("the compressed frame has another size")
    if frame.bits > dataset.BitsAllocated:
        raise CorruptDicom("the compressed frame has more bits")


def _word(value: str) -> str:
    """A value from the file for a message, if it can be nothing but a code: damage may put anything in its place."""
    return value if REPEATABLE.fullmatch(value) else "an unreadable value"


def _assume_little_endian_where_unsaid(dataset: pydicom.Dataset) -> None:
    """Without a meta header the file is implicit little endian (PS3.5 10.1), unless its value types are spelt out."""
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit = dataset.is_implicit_VR
        dataset.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2" if implicit else "1.2.840.10008.1.2.1")
