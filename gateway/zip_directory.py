"""A zip's directory, read in pages: how many entries it can have at most, and a few hundred of them at a time.

``zipfile`` builds an object per entry, about a kilobyte each: a directory of 50,000 films would take 45 MB, a hostile
one of 46-byte entries all memory there is. So it is shown one page after the other, each as an archive of its own.
Offsets below are those of PKWARE's APPNOTE, 4.3.12 (entry), 4.3.14 to 4.3.16 (ends of directory).
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from gateway.positions import Positioned

END, END_BYTES, LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535
LOCATOR, LOCATOR_BYTES = b"PK\x06\x07", 20
END64, END64_BYTES = b"PK\x06\x06", 56
ENTRY, ENTRY_BYTES = b"PK\x01\x02", 46
READ_BYTES = 1024**2
PAGE_ENTRIES, PAGE_READ_BYTES = 512, 64 * 1024
UNKNOWN16, UNKNOWN32 = 0xFFFF, 0xFFFFFFFF  # the number is in the 64-bit end record


@dataclass(frozen=True)
class Directory:
    """Where in ``file`` the directory lies, and by how many bytes more than the archive says (a program before it)."""

    file: IO[bytes]
    start: int
    end: int
    moved: int

    @classmethod
    def of(cls, file: IO[bytes]) -> Directory:
        """Find it. Raises ``zipfile.BadZipFile`` where there is none."""
        length = file.seek(0, io.SEEK_END)
        tail_at = max(0, length - END_BYTES - LONGEST_COMMENT)
        tail = _read_at(file, tail_at, length - tail_at)
        at = tail.rfind(END)
        if at < 0 or len(tail) - at < END_BYTES:
            raise zipfile.BadZipFile("no end of directory")
        size, offset = struct.unpack_from("<LL", tail, at + 12)
        end_at = tail_at + at
        long_at = end_at - LOCATOR_BYTES - END64_BYTES
        if long_at >= 0:
            long_end = _read_at(file, long_at, END64_BYTES + LOCATOR_BYTES)
            if long_end.startswith(END64) and long_end[END64_BYTES:].startswith(LOCATOR):
                size, offset = struct.unpack_from("<QQ", long_end, 40)
                end_at = long_at
        if size > end_at:
            raise zipfile.BadZipFile("a directory larger than its file")
        return cls(file, end_at - size, end_at, end_at - size - offset)

    def count_bound(self) -> int:
        """No fewer than the archive's entries: each has one mark, so there are no more entries than marks."""
        count, at, carried = 0, self.start, b""
        while at < self.end:
            block = carried + _read_at(self.file, at, min(READ_BYTES, self.end - at))
            count += block.count(ENTRY)
            carried = block[-(len(ENTRY) - 1) :]
            at += READ_BYTES
        return count

    def pages(self) -> Iterator[zipfile.ZipFile]:
        """The archive with a part of its entries, then with the next part. Raises what ``zipfile`` raises on damage."""
        at = self.start
        while at < self.end:
            page_at, entries = at, 0
            while at < self.end and entries < PAGE_ENTRIES:
                header = _read_at(self.file, at, ENTRY_BYTES)
                if len(header) < ENTRY_BYTES or not header.startswith(ENTRY):
                    raise zipfile.BadZipFile("no entry where one should be")
                at += ENTRY_BYTES + sum(struct.unpack_from("<HHH", header, 28))  # with name, extra field, comment
                entries += 1
            if at > self.end:
                raise zipfile.BadZipFile("an entry longer than its directory")
            yield zipfile.ZipFile(io.BufferedReader(_Page(self, page_at, at), PAGE_READ_BYTES))

    def end_of_page(self, size: int) -> bytes:
        """What stands behind a directory of so many bytes that begins where this one does, in its 64-bit form."""
        offset = self.start - self.moved
        record = struct.pack("<4sQ2H2L4Q", END64, END64_BYTES - 12, 45, 45, 0, 0, 0, 0, size, offset)
        locator = struct.pack("<4sLQL", LOCATOR, 0, offset + size, 1)
        return record + locator + struct.pack("<4s4H2LH", END, 0, 0, UNKNOWN16, UNKNOWN16, UNKNOWN32, UNKNOWN32, 0)


class _Page(Positioned):
    """An archive's file up to its directory, then one page of the directory and an end of its own."""

    def __init__(self, directory: Directory, start: int, end: int) -> None:
        self._directory = directory
        self._tail = _read_at(directory.file, start, end - start) + directory.end_of_page(end - start)
        super().__init__(directory.start + len(self._tail))

    def _content_at(self, at: int, most_bytes: int) -> bytes:
        before = self._directory.start - at
        if before > 0:
            return _read_at(self._directory.file, at, min(most_bytes, before))
        return self._tail[-before : most_bytes - before]


def _read_at(file: IO[bytes], offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)
