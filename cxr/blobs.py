"""Image bytes by their SHA-256, in a folder that gateway and workers share; identical bytes are stored once."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from cxr.errors import BlobsUnavailable


class BlobStore:
    """A folder of immutable files named by content hash: ``ab/cdef...``.

    Every method raises ``BlobsUnavailable`` when the file system refuses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Store ``content`` durably (synced to disk before this returns) and return its SHA-256 in hex."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._path(sha256)
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                self._write_whole(path, content)
        except OSError as error:
            raise BlobsUnavailable(error.strerror or type(error).__name__) from error
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return the bytes stored under ``sha256``."""
        try:
            return self._path(sha256).read_bytes()
        except OSError as error:
            raise BlobsUnavailable(error.strerror or type(error).__name__) from error

    def discard(self, sha256: str, still_needed: Callable[[str], bool]) -> None:
        """Remove a blob that no job needs.

        An upload of the same bytes may arrive meanwhile. It counts its need before it looks for the file; so the file
        is first moved aside, the need asked for once more, and the file moved back if it came.
        """
        path = self._path(sha256)
        aside = path.with_name(f"{path.name}.{os.getpid()}.discarded")
        try:
            path.rename(aside)
            if still_needed(sha256):
                aside.rename(path)
            else:
                aside.unlink()
        except FileNotFoundError:
            return
        except OSError as error:
            raise BlobsUnavailable(error.strerror or type(error).__name__) from error

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256[2:]

    @staticmethod
    def _write_whole(path: Path, content: bytes) -> None:
        handle, unfinished = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(unfinished).replace(path)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
