"""Zip archives, read entry by entry, never written to disk by name; what is unsafe becomes that entry's refusal."""

from __future__ import annotations

import stat
import zipfile
import zlib
from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from typing import IO

from cxr.errors import (
    CorruptArchive,
    CorruptImage,
    EmptyFile,
    FileTooLarge,
    ImageRejected,
    TooManyImages,
    UnsafeArchiveEntry,
    UnsupportedFormat,
)
from gateway.zip_directory import Directory

ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
# What desktop systems leave in folders; and the index of a DICOM file-set (PS3.10 8.6), which has no pixels.
IGNORED_NAMES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", "DICOMDIR"})
IGNORED_FOLDERS = frozenset({"__MACOSX"})
# Of these the decompressor's memory is bounded; LZMA may ask for gigabytes.
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2})
# Chest films hardly compress (JPEG, PNG: 1, raw DICOM: up to about 10): 100-fold is a bomb, unless the file is small.
MAX_EXPANSION, EXPANSION_MATTERS_BYTES = 100, 1024**2
READ_BYTES = 1024**2
# What zipfile and the decompressors raise on damage, beside their own errors.
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, IndexError, OverflowError, NotImplementedError)


def is_archive(name: str, first_bytes: bytes) -> bool:
    """A file is an archive when it is called so, or looks so and has no other ending."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix == ".zip" or (suffix == "" and first_bytes.startswith(ZIP_MARKS))


def is_litter(name: str) -> bool:
    """Whether a file lies beside films in folders and is none: told by its name alone."""
    parts = name.split("/")  # pathlib would keep every part of every name (sys.intern)
    return parts[-1] in IGNORED_NAMES or parts[-1].startswith("._") or not IGNORED_FOLDERS.isdisjoint(parts)


class Archive:
    """An open zip; ``len`` is the number of its entries. Folders and litter do not count.

    Raises ``CorruptArchive`` when its directory cannot be read, ``TooManyImages`` before a directory of more than
    ``max_entries`` is parsed. An open archive closes ``file`` with itself.
    """

    def __init__(self, file: IO[bytes], max_file_bytes: int, max_entries: int) -> None:
        self._file, self._max_file_bytes, self._count = file, max_file_bytes, 0
        places, sizes = array("Q"), array("Q")  # of all entries: 16 bytes each, and no more is kept of them
        try:
            self._directory = Directory.of(file)
            if self._directory.count_bound() > 2 * max_entries + 1000:  # folders count there too
                raise TooManyImages(f"at most {max_entries}")
            for page in self._directory.pages():
                self._count += sum(1 for entry in page.infolist() if not _is_ignored(entry))
                places.extend(entry.header_offset for entry in page.infolist())
                sizes.extend(entry.compress_size for entry in page.infolist())
        except DAMAGE as error:
            raise CorruptArchive from error
        self._overlapping = _overlapping(places, sizes)

    def __len__(self) -> int:
        return self._count

    def films(self) -> Iterator[tuple[str, int, bytes | ImageRejected]]:
        """Each entry's name, declared size in bytes, and its bytes or why they are not taken."""
        for page in self._directory.pages():
            for entry in page.infolist():
                if _is_ignored(entry):
                    continue
                content: bytes | ImageRejected
                try:
                    content = self._read(page, entry)
                except ImageRejected as refusal:
                    content = refusal
                yield entry.orig_filename, entry.file_size, content

    def close(self) -> None:
        self._file.close()

    def _read(self, page: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
        _refuse_unsafe(entry)
        if entry.header_offset in self._overlapping:
            raise UnsafeArchiveEntry("it overlaps another entry")
        if entry.file_size > self._max_file_bytes:
            raise FileTooLarge(f"{entry.file_size} bytes, at most {self._max_file_bytes}")
        content = self._decompress(page, entry)
        if not content:
            raise EmptyFile
        if content.startswith(ZIP_MARKS):
            raise UnsupportedFormat("an archive inside an archive")
        return content

    def _decompress(self, page: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
        """Headers may lie: count what really comes out, and stop at the limit."""
        content = bytearray()
        try:
            with page.open(entry) as stream:
                while block := stream.read(READ_BYTES):
                    content += block
                    if len(content) > self._max_file_bytes:
                        raise FileTooLarge(f"more than {self._max_file_bytes} bytes")
                    _refuse_bomb(len(content), entry.compress_size)
        except DAMAGE as error:
            raise CorruptImage("damaged inside the archive") from error
        except RuntimeError as error:  # zipfile's word for an entry that is encrypted after all
            raise UnsafeArchiveEntry("it is encrypted") from error
        if len(content) != entry.file_size:
            raise CorruptImage("damaged inside the archive")
        return bytes(content)


def _is_ignored(entry: zipfile.ZipInfo) -> bool:
    if entry.filename.endswith("/"):  # a folder; ZipInfo.is_dir fails where there is no name
        return True
    return is_litter(entry.filename)


def _refuse_unsafe(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    if not name or "\\" in name or "\0" in name or name.startswith("/") or ".." in name.split("/") or name[1:2] == ":":
        raise UnsafeArchiveEntry
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise UnsafeArchiveEntry("a link" if kind == stat.S_IFLNK else "a special file")
    if entry.flag_bits & 0x1:
        raise UnsafeArchiveEntry("it is encrypted")
    if entry.compress_type not in METHODS:
        raise UnsupportedFormat(f"compression method {entry.compress_type}")
    _refuse_bomb(entry.file_size, entry.compress_size)


def _refuse_bomb(size: int, compressed_size: int) -> None:
    if size > EXPANSION_MATTERS_BYTES and size > MAX_EXPANSION * compressed_size:
        raise UnsafeArchiveEntry(f"it expands more than {MAX_EXPANSION}-fold")


def _overlapping(places: Sequence[int], sizes: Sequence[int]) -> frozenset[int]:
    """Header offsets of entries that share bytes with another: how a small archive claims to hold terabytes."""
    found: set[int] = set()
    end, last = 0, -1
    for place, size in (
        zip(places, sizes, strict=True) if _ascending(places) else sorted(zip(places, sizes, strict=True))
    ):
        if place < end or place == last:
            found |= {place, last}
        if (reach := place + size) >= end:
            end, last = reach, place
    return frozenset(found)


def _ascending(numbers: Sequence[int]) -> bool:
    return all(one <= other for one, other in pairwise(numbers))
