"""Deflated DICOM files (PS3.5 A.5), checked before pydicom inflates one whole: a megabyte may hold a gigabyte."""

from __future__ import annotations

import struct
import zlib

DEFLATED_SYNTAX = b"1.2.840.10008.1.2.1.99"
MARK, MARK_AT = b"DICM", 128
META_GROUP, SYNTAX_ELEMENT = 0x0002, 0x0010
# PS3.5 7.1.2: these value representations have two reserved bytes and a length of four.
LONG_LENGTHS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})


def inflates_beyond(content: bytes, max_bytes: int) -> bool:
    """Whether a file is deflated and would inflate to more than ``max_bytes``; damaged ones are left to the reader."""
    at = _deflated_at(content)
    if at is None:
        return False
    try:
        return len(zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[at:], max_bytes + 1)) > max_bytes
    except zlib.error:
        return False


def _deflated_at(content: bytes) -> int | None:
    """Where the deflated data set begins: behind the file meta group, which is always explicit little endian."""
    at, deflated = (MARK_AT + 4 if content[MARK_AT : MARK_AT + 4] == MARK else 0), False
    while at + 8 <= len(content):
        group, element, kind, length = struct.unpack_from("<HH2sH", content, at)
        if group != META_GROUP:
            break
        at += 8
        if kind in LONG_LENGTHS:
            if at + 4 > len(content):
                break
            (length,) = struct.unpack_from("<L", content, at)
            at += 4
        if element == SYNTAX_ELEMENT:
            deflated = content[at : at + length].rstrip(b"\0 ") == DEFLATED_SYNTAX
        at += length
    return at if deflated else None
