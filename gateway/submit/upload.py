"""Files on their way out: opened one at a time, however many a request has."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

from gateway.positions import Positioned
from gateway.submit.folder import LocalFile

Form = list[tuple[str, tuple[str, io.RawIOBase, str]]]


def form(files: Sequence[LocalFile]) -> Form:
    """What httpx sends as ``multipart/form-data``. Raises ``OSError`` for a file that is gone."""
    return [
        ("files", (file.name, _Lazy(file.path, file.path.stat().st_size), "application/octet-stream")) for file in files
    ]


class _Lazy(Positioned):
    """A file that is open from its first byte read to its last; httpx asks its size by seeking."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self._path = path
        self._file: io.FileIO | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._leave()
        return super().seek(offset, whence)

    def _content_at(self, at: int, most_bytes: int) -> bytes:
        if self._file is None:
            self._file = self._path.open("rb", buffering=0)
            self._file.seek(at)
        content = self._file.read(most_bytes) or b""
        if not content:
            self._leave()
        return content

    def _leave(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
