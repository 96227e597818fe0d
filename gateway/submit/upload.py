"""Files on their way out: opened one at a time, however many a request has."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

from gateway.submit.folder import LocalFile

Form = list[tuple[str, tuple[str, io.RawIOBase, str]]]


def form(files: Sequence[LocalFile]) -> Form:
    """What httpx sends as ``multipart/form-data``. Raises ``OSError`` for a file that is gone."""
    return [
        ("files", (file.name, _Lazy(file.path, file.path.stat().st_size), "application/octet-stream")) for file in files
    ]


class _Lazy(io.RawIOBase):
    """A file that is open from its first byte read to its last; httpx asks its size by seeking."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        self._path, self._size, self._at = path, size_bytes, 0
        self._file: io.FileIO | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._leave()
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        if self._file is None:
            self._file = self._path.open("rb", buffering=0)
            self._file.seek(self._at)
        content = self._file.read(size) or b""
        self._at += len(content)
        if not content:
            self._leave()
        return content

    def _leave(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
