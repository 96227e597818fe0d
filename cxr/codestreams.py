"""What a compressed frame says of itself, read before a decoder believes it: JPEG, JPEG-LS and JPEG 2000 headers.

A codestream inside a DICOM file may claim other dimensions than the file around it; decoders allocate what it claims.
gdcm also aborts its process on JPEG headers with foreign bytes between their parts, so these are followed to their end.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

JPEG_START, JPEG2000_START, JP2_START = b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "
# ITU-T T.81 table B.1: start of frame, but not DHT (C4), JPG (C8) and DAC (CC); T.87 annex C adds JPEG-LS's own (F7).
START_OF_FRAME = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
# ITU-T T.800 annex A.5.1: from the SIZ marker's length on: Xsiz, Ysiz, XOsiz, YOsiz, four of tiles, Csiz.
SIZ = struct.Struct(">4x2xH8LH")


@dataclass(frozen=True)
class FrameSize:
    """Rows and columns in pixels, and samples per pixel."""

    rows: int
    columns: int
    samples: int


def frame_size(codestream: bytes) -> FrameSize | None:
    """The size that a codestream claims, None when it is neither JPEG nor JPEG 2000.

    Raises ``ValueError`` when its header cannot be followed to where the pixels begin.
    """
    try:
        if codestream.startswith(JPEG_START):
            return _jpeg(codestream)
        if codestream.startswith(JP2_START):
            codestream = codestream[codestream.index(JPEG2000_START) :]
        return _jpeg2000(codestream) if codestream.startswith(JPEG2000_START) else None
    except (struct.error, IndexError) as error:
        raise ValueError("the codestream ends in its header") from error


def _jpeg(codestream: bytes) -> FrameSize:
    at, size = len(JPEG_START), None
    while True:
        if codestream[at] != 0xFF:
            raise ValueError("no marker where one must be")
        marker = codestream[at + 1]
        if marker == START_OF_SCAN and size is not None:
            return size
        if marker in (START_OF_SCAN, END_OF_IMAGE):
            raise ValueError("pixels before their size")
        if marker in START_OF_FRAME:
            rows, columns, samples = struct.unpack_from(">HHB", codestream, at + 5)
            size = FrameSize(rows, columns, samples)
        if marker == 0xFF:  # fill
            at += 1
        elif marker in WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + struct.unpack_from(">H", codestream, at + 2)[0]


def _jpeg2000(codestream: bytes) -> FrameSize:
    _, right, bottom, left, top, *_, samples = SIZ.unpack_from(codestream)
    return FrameSize(bottom - top, right - left, samples)
