"""Uploaded files on their way in: one file on disk, any number of parts, flat memory."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cxr.errors import BlobsUnavailable
from gateway.positions import Positioned


@dataclass(frozen=True)
class Upload:
    """One file as it was sent: the name its sender gave it, its size, and how to read it."""

    name: str
    size_bytes: int
    open: Callable[[], IO[bytes]]

    def sha256(self) -> str:
        """Of its bytes, in hex."""
        with self.open() as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]

    @classmethod
    def of_path(cls, path: Path) -> Upload:
        return cls(path.name, path.stat().st_size, lambda: path.open("rb"))

    @classmethod
    def of_bytes(cls, name: str, content: bytes) -> Upload:
        return cls(name, len(content), lambda: io.BytesIO(content))


@contextmanager
def _said_in_our_words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BlobsUnavailable(f"the folder of uploads: {error.strerror or type(error).__name__}") from error


class Spool:
    """A nameless temporary file that holds the parts of one request, one after the other; gone when closed.

    It needs one file descriptor however many parts there are. To make it, to write to it, and to open a part, raises
    ``BlobsUnavailable`` where the folder of temporary files is full or gone.
    """

    def __init__(self) -> None:
        with _said_in_our_words():
            self._file = tempfile.TemporaryFile(prefix="cxr-upload-")  # noqa: SIM115 - closed by close()
        self._size = 0
        self._part: tuple[str, int] | None = None
        self.uploads: list[Upload] = []

    def begin(self, name: str) -> None:
        """Start a part."""
        self._part = (name, self._size)

    def write(self, content: bytes) -> None:
        """Add to the part that was begun."""
        with _said_in_our_words():
            self._size += self._file.write(content)

    def end(self) -> None:
        """Finish the part; it is then one of ``uploads``."""
        assert self._part is not None, "a part ends after it began"
        name, start = self._part
        size = self._size - start
        self._part = None
        self.uploads.append(Upload(name, size, lambda: self._slice(start, size)))

    def close(self) -> None:
        with suppress(OSError):  # what could not be written is not wanted any more
            self._file.close()

    def _slice(self, start: int, size: int) -> IO[bytes]:
        with _said_in_our_words():
            self._file.flush()
        return io.BufferedReader(_Slice(self._file.fileno(), start, size))


class _Slice(Positioned):
    """A window on an open file, with a position of its own, so that threads may read windows side by side."""

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        super().__init__(size)
        self._descriptor, self._start = descriptor, start

    def _content_at(self, at: int, most_bytes: int) -> bytes:
        return os.pread(self._descriptor, max(0, min(most_bytes, self._size - at)), self._start + at)
