"""Files that are read by a position of their own: each kind says what stands at a place."""

from __future__ import annotations

import io
import os


class Positioned(io.RawIOBase):
    """A file of known size, for reading and seeking alone."""

    def __init__(self, size_bytes: int) -> None:
        self._size, self._at = size_bytes, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise ValueError("before the start of the file")
        self._at = origin + offset
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        content = self._content_at(self._at, len(buffer))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def readall(self) -> bytes:
        """The rest, in pieces as large as they come: the inherited way asks for a few KB at a time."""
        pieces = []
        while content := self._content_at(self._at, self._size - self._at):
            self._at += len(content)
            pieces.append(content)
        return b"".join(pieces)

    def _content_at(self, at: int, most_bytes: int) -> bytes:
        """What stands from ``at`` on, ``most_bytes`` of it at the most; nothing from the end on."""
        raise NotImplementedError
