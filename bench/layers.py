"""Damage below the surface: what a file holds compressed or enclosed is damaged, and the file around it stays whole.

Without this, most damage ends at the first checksum: a decoder's depths are never met.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np

Damage = Callable[[bytes], bytes]

PNG_MARK = b"\x89PNG\r\n\x1a\n"
ZIP_MARK = b"PK\x03\x04"
# The first bytes of a JPEG and a JPEG 2000 codestream, and pixel data of undefined length (PS3.5 A.4).
FRAME_MARKS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff")
DEFLATED_SYNTAX = b"1.2.840.10008.1.2.1.99"
MOST_INFLATED_BYTES = 8 * 1024**2
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2})
# What is raised where a file that was damaged before is opened.
DAMAGE = (
    zlib.error,
    struct.error,
    zipfile.BadZipFile,
    OSError,
    EOFError,
    ValueError,
    IndexError,
    OverflowError,
    RuntimeError,
)


def damaged_inside(content: bytes, damage: Damage, rng: np.random.Generator) -> bytes:
    """A whole file around damaged contents; a file without an inside, or one that cannot be opened, as it is."""
    try:
        if content.startswith(PNG_MARK):
            return _png(content, damage)
        if content.startswith(ZIP_MARK):
            return _zip(content, damage, rng)
        if DEFLATED_SYNTAX in content[:1024]:
            return _deflated_dicom(content, damage)
        if content[128:132] == b"DICM":
            return _frame(content, damage)
    except DAMAGE:
        return content
    return content


def _png(content: bytes, damage: Damage) -> bytes:
    """Damage the filtered rows; the stream around them is compressed anew, all checksums are right."""
    before, rows, after = [PNG_MARK], b"", []
    at = len(PNG_MARK)
    while at + 12 <= len(content):
        end = at + 12 + struct.unpack_from(">L", content, at)[0]
        if content[at + 4 : at + 8] == b"IDAT":
            rows += content[at + 8 : end - 4]
        else:
            (after if rows else before).append(content[at:end])
        at = end
    stream = zlib.compress(damage(_inflated(rows, zlib.MAX_WBITS)))
    chunk = struct.pack(">L", len(stream)) + b"IDAT" + stream + struct.pack(">L", zlib.crc32(b"IDAT" + stream))
    return b"".join([*before, chunk, *after])


def _deflated_dicom(content: bytes, damage: Damage) -> bytes:
    start = 144 + struct.unpack_from("<L", content, 140)[0]  # behind preamble, mark, and the group length's element
    squeezer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    inside = damage(_inflated(content[start:], -zlib.MAX_WBITS))
    return content[:start] + squeezer.compress(inside) + squeezer.flush()


def _frame(content: bytes, damage: Damage) -> bytes:
    """Damage from the compressed frame on, where there is one; else the pixels."""
    starts = [at for mark in FRAME_MARKS if (at := content.find(mark)) >= 0]
    start = min(starts) if starts else content.find(b"\xe0\x7f\x10\x00")
    return content[:start] + damage(content[start:]) if start >= 0 else content


def _zip(content: bytes, damage: Damage, rng: np.random.Generator) -> bytes:
    """Damage one entry; its checksum and sizes are right."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(packed, "w") as other:
        entries = list({entry.filename: entry for entry in archive.infolist() if entry.filename}.values())
        if not METHODS.issuperset(entry.compress_type for entry in entries):
            raise zipfile.BadZipFile
        chosen = int(rng.integers(max(len(entries), 1)))
        for number, entry in enumerate(entries):
            inside = archive.read(entry)
            copy = zipfile.ZipInfo(entry.filename)
            other.writestr(copy, damage(inside) if number == chosen else inside, entry.compress_type)
    return packed.getvalue()


def _inflated(stream: bytes, wbits: int) -> bytes:
    return zlib.decompressobj(wbits).decompress(stream, MOST_INFLATED_BYTES)
