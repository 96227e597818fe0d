"""What a compressed frame says of itself, read before a decoder believes it: JPEG, JPEG-LS and JPEG 2000 headers.

A codestream inside a DICOM file may claim other dimensions than the file around it; decoders allocate what it claims.
gdcm also aborts its process on JPEG headers with foreign bytes between their parts, and pydicom never returns from a
JP2 box of no length, so headers are followed to where the pixels begin.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

JPEG_START, JPEG2000_START, JP2_START = b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "
# ITU-T T.81 table B.1: start of frame, but not DHT (C4), JPG (C8) and DAC (CC); T.87 annex C adds JPEG-LS's own (F7).
START_OF_FRAME = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
# Encoders write about ten scans, optimisers up to twice that. One of 61 bytes costs a pass over all pixels: 186 kB with
# 500 of them took 19 s at 40 megapixels.
MAX_SCANS = 100
SCAN_MARKER = START_OF_SCAN << 8 | 0xFF  # as a little-endian pair
# ITU-T T.800 annex A.5.1, behind two markers, length and capabilities: Xsiz, Ysiz, XOsiz, YOsiz, four of tiles, Csiz,
# and the first component's Ssiz (sign, and bits less one).
SIZ = struct.Struct(">4x2x2x8LHB")
# ITU-T T.800 annex I.4: length of a box, its own eight bytes included, and type.
BOX = struct.Struct(">L4s")


@dataclass(frozen=True)
class FrameHeader:
    """Rows and columns in pixels, samples per pixel, bits per sample."""

    rows: int
    columns: int
    samples: int
    bits: int


def frame_header(codestream: bytes) -> FrameHeader | None:
    """What a codestream claims to be, None when it is neither JPEG nor JPEG 2000.

    Raises ``ValueError`` when its header cannot be followed to where the pixels begin.
    """
    try:
        if codestream.startswith(JPEG_START):
            return _jpeg(codestream)
        if codestream.startswith(JP2_START):
            return _jpeg2000(codestream, _codestream_at(codestream))
        return _jpeg2000(codestream, 0) if codestream.startswith(JPEG2000_START) else None
    except (struct.error, IndexError) as error:
        raise ValueError("the codestream ends in its header") from error


def has_too_many_scans(jpeg: bytes) -> bool:
    """Whether a JPEG asks for more passes over its pixels than any encoder would."""
    # Pairs of bytes from the first and from the second byte on: much faster than ``bytes.count``.
    pairs = (np.frombuffer(jpeg, "<u2", (len(jpeg) - start) // 2, start) for start in (0, 1))
    return sum(int(np.count_nonzero(pair == SCAN_MARKER)) for pair in pairs) > MAX_SCANS


def _jpeg(codestream: bytes) -> FrameHeader:
    if has_too_many_scans(codestream):
        raise ValueError("too many scans")
    at, header = len(JPEG_START), None
    while True:
        if codestream[at] != 0xFF:
            raise ValueError("no marker where one must be")
        marker = codestream[at + 1]
        if marker == START_OF_SCAN and header is not None:
            return header
        if marker in (START_OF_SCAN, END_OF_IMAGE):
            raise ValueError("pixels before their size")
        if marker in START_OF_FRAME:
            bits, rows, columns, samples = struct.unpack_from(">BHHB", codestream, at + 4)
            header = FrameHeader(rows, columns, samples, bits)
        if marker == 0xFF:  # fill
            at += 1
        elif marker in WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + struct.unpack_from(">H", codestream, at + 2)[0]


def _jpeg2000(codestream: bytes, at: int) -> FrameHeader:
    if codestream[at : at + 4] != JPEG2000_START:
        raise ValueError("no codestream in its box")
    right, bottom, left, top, *_, samples, depth = SIZ.unpack_from(codestream, at)
    return FrameHeader(bottom - top, right - left, samples, (depth & 0x7F) + 1)


def _codestream_at(boxes: bytes) -> int:
    """Where the codestream begins in a JP2 file, which some modalities put where PS3.5 8.2.4 wants it alone."""
    at = 0
    while True:
        length, kind = BOX.unpack_from(boxes, at)
        if kind == b"jp2c":
            return at + BOX.size
        if length < BOX.size:
            raise ValueError("a box of no length")
        at += length
