"""Deflated DICOM files (PS3.5 A.5), inflated with a bound: a megabyte may hold a gigabyte."""

from __future__ import annotations

import struct
import zlib

DEFLATED_SYNTAX = b"1.2.840.10008.1.2.1.99"
MARK, MARK_AT = b"DICM", 128
META_GROUP, SYNTAX_ELEMENT = 0x0002, 0x0010
# PS3.5 7.1.2: these value representations have two reserved bytes and a length of four.
LONG_LENGTHS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})


def inflated(content: bytes, most_bytes: int) -> bytes | None:
    """The inflated data set behind the meta header, cut at ``most_bytes``; None for a file that is not deflated.

    Raises ``zlib.error`` for a damaged one.
    """
    at = _deflated_at(content)
    if at is None:
        return None
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    plain = stream.decompress(content[at:], most_bytes)
    if not stream.eof and len(plain) < most_bytes:
        raise zlib.error("incomplete stream")
    return plain


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
