"""From bytes to the few attributes that are needed; whatever else a file says is skipped and never held.

What may be read before the pixels is bounded, since a file may claim millions of attributes: a megabyte of them takes
seconds to read and fills two hundred megabytes of memory.
"""

from __future__ import annotations

import io

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.filereader import read_dataset, read_partial
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from cxr.deflated import inflated
from cxr.errors import CorruptDicom, FileTooLarge

# Two lookup tables of 65,536 entries are 256 kB (PS3.3 C.11.1.1.1); the other attributes that are read are short.
MAX_HEADER_BYTES = 512 * 1024

# What turns pixels into grey levels, and tells whether they are one chest film: PS3.3 C.7.6.3, C.11.1, C.11.2, C.8.1.2.
FILM_ATTRIBUTES = (
    "SOPClassUID",
    "Modality",
    "BodyPartExamined",
    "ViewPosition",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "WindowCenter",
    "WindowWidth",
    "VOILUTFunction",
    "RescaleIntercept",
    "RescaleSlope",
    "RescaleType",
    "ModalityLUTSequence",
    "VOILUTSequence",
    "PixelData",
)
# What is looked at on the way in and not kept with the pixels.
PASSING_ATTRIBUTES = (
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "StudyDate",
    "PatientAge",
    "PatientBirthDate",
    "BurnedInAnnotation",
)
PIXEL_DATA = 0x7FE00010


def looks_like_dicom(content: bytes) -> bool:
    """Tell a DICOM file by its ``DICM`` mark, or, where the preamble was dropped, by its first group (0002 or 0008)."""
    if content[128:132] == b"DICM":
        return True
    meta_group_first = content[:4] in (b"\x02\x00\x00\x00", b"\x02\x00\x01\x00", b"\x02\x00\x10\x00")
    return meta_group_first or (content[:2] == b"\x08\x00" and content[3:4] == b"\x00")


def read(content: bytes, max_bytes: int) -> pydicom.Dataset:
    """The attributes above, as far as the file has them; ``file_meta`` names the transfer syntax they came in.

    A deflated file comes back as explicit little endian. Raises ``CorruptDicom``, ``FileTooLarge`` (deflated, and
    inflates to more than ``max_bytes``).
    """
    try:
        dataset = _read(content, max_bytes)
    except (CorruptDicom, FileTooLarge, MemoryError):
        raise
    except Exception as error:
        raise CorruptDicom(type(error).__name__) from error
    if "Modality" not in dataset and "SOPClassUID" not in dataset:
        raise CorruptDicom("neither Modality nor SOPClassUID")
    return dataset


def _read(content: bytes, max_bytes: int) -> pydicom.Dataset:
    plain = inflated(content, max_bytes + 1)
    if plain is not None and len(plain) > max_bytes:
        raise FileTooLarge(f"it inflates to more than {max_bytes} bytes")
    wanted: list[BaseTag | int] = [tag_for_keyword(name) or 0 for name in (*FILM_ATTRIBUTES, *PASSING_ATTRIBUTES)]
    stream = _BoundedHeader(content if plain is None else plain)
    if plain is None:
        dataset: pydicom.Dataset = read_partial(stream, stream.stops_at, force=True, specific_tags=wanted)
    else:
        dataset = read_dataset(stream, False, True, stop_when=stream.stops_at, specific_tags=wanted)
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.set_original_encoding(False, True)
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    _name_syntax(dataset)
    return dataset


def _name_syntax(dataset: pydicom.Dataset) -> None:
    """Without a meta header the file is implicit little endian (PS3.5 10.1), unless its value types are spelt out."""
    said = dataset.file_meta.get("TransferSyntaxUID")
    if said == DeflatedExplicitVRLittleEndian:
        raise CorruptDicom("what was deflated cannot be inflated")
    if not said:
        implicit, little = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit


class _BoundedHeader(io.BytesIO):
    """Lets ``MAX_HEADER_BYTES`` be read before the pixels (what is skipped does not count), and ends behind them."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._left, self._at_pixels = MAX_HEADER_BYTES, False

    def stops_at(self, tag: BaseTag, _vr: str | None, _length: int) -> bool:
        """Asked before each attribute of the file itself, not of its sequences."""
        if self._at_pixels:
            return True
        self._at_pixels = tag == PIXEL_DATA
        return False

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        if not self._at_pixels:
            self._left -= len(content)
            if self._left < 0:
                raise CorruptDicom(f"more than {MAX_HEADER_BYTES} bytes of attributes")
        return content
