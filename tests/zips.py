"""Zips made for tests: honest ones, and every hostile kind."""

from __future__ import annotations

import io
import stat
import struct
import zipfile


def zip_of(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these entries, names taken as they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def zip_with_mode(name: str, mode: int, content: bytes = b"/etc/passwd") -> bytes:
    """An archive with one entry of a Unix file type: a link, a device, a pipe."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        archive.writestr(entry, content)
    return buffer.getvalue()


def zip_with_link(name: str = "link.png") -> bytes:
    return zip_with_mode(name, stat.S_IFLNK | 0o777)


def _patched(archive: bytes, local: int, central: int, layout: str, value: int) -> bytes:
    """Overwrite one header field of the only entry, in its local header and in the directory."""
    changed = bytearray(archive)
    struct.pack_into(layout, changed, archive.index(b"PK\x03\x04") + local, value)
    struct.pack_into(layout, changed, archive.index(b"PK\x01\x02") + central, value)
    return bytes(changed)


def encrypted(archive: bytes) -> bytes:
    """The archive with its only entry marked as encrypted."""
    return _patched(archive, 6, 8, "<H", 0x1)


def claiming_method(archive: bytes, method: int) -> bytes:
    return _patched(archive, 8, 10, "<H", method)


def claiming_size(archive: bytes, size: int) -> bytes:
    """The archive whose only entry says it unpacks to ``size`` bytes."""
    return _patched(archive, 22, 24, "<L", size)


def with_renamed_entry(archive: bytes, name: str, other: str) -> bytes:
    """The archive with a name of the same length put in place, past what ``zipfile`` would write."""
    assert len(name.encode()) == len(other.encode())
    return archive.replace(name.encode(), other.encode())


def overlapping() -> bytes:
    """Two directory entries that share one file's bytes."""
    archive = zip_of({"a.png": b"x" * 100, "b.png": b"x" * 100}, zipfile.ZIP_STORED)
    changed = bytearray(archive)
    second = archive.index(b"PK\x01\x02", archive.index(b"PK\x01\x02") + 4)
    struct.pack_into("<L", changed, second + 42, 0)
    return bytes(changed)
