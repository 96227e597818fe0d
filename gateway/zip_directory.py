"""How many entries a zip can have at most, told from its directory's size before the directory is parsed.

``zipfile`` builds an object per entry, about a kilobyte each: a hostile directory of 46-byte entries would fill the
memory. Offsets below are those of the end-of-directory records in PKWARE's APPNOTE 4.3.14 and 4.3.16.
"""

from __future__ import annotations

import io
import struct
import zipfile
from typing import IO

END, END_BYTES, LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535
LOCATOR, LOCATOR_BYTES = b"PK\x06\x07", 20
END64, END64_BYTES = b"PK\x06\x06", 56
ENTRY = b"PK\x01\x02"
READ_BYTES = 1024**2


def count_bound(file: IO[bytes]) -> int:
    """No fewer than the archive's entries. Raises ``zipfile.BadZipFile`` where there is no directory."""
    length = file.seek(0, io.SEEK_END)
    tail_at = max(0, length - END_BYTES - LONGEST_COMMENT)
    tail = _read_at(file, tail_at, length - tail_at)
    at = tail.rfind(END)
    if at < 0 or len(tail) - at < END_BYTES:
        raise zipfile.BadZipFile("no end of directory")
    (size,) = struct.unpack_from("<L", tail, at + 12)
    end_at = tail_at + at
    long_at = end_at - LOCATOR_BYTES - END64_BYTES
    if long_at >= 0:
        long_end = _read_at(file, long_at, END64_BYTES + LOCATOR_BYTES)
        if long_end.startswith(END64) and long_end[END64_BYTES:].startswith(LOCATOR):
            (size,) = struct.unpack_from("<Q", long_end, 40)
            end_at = long_at
    return _count(file, max(0, end_at - size), end_at)


def _count(file: IO[bytes], start: int, end: int) -> int:
    """Entry marks between two offsets: each entry has one, so there are no more entries than marks."""
    count, at, carried = 0, start, b""
    while at < end:
        block = carried + _read_at(file, at, min(READ_BYTES, end - at))
        count += block.count(ENTRY)
        carried = block[-(len(ENTRY) - 1) :]
        at += READ_BYTES
    return count


def _read_at(file: IO[bytes], offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)
