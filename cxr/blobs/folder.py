"""Image bytes in a folder that gateway and workers share."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cxr.blobs.needs import Unneeded
from cxr.errors import BlobsUnavailable, FilmLost

UNFINISHED, DISCARDED, INSTALLATION = "unfinished", ".discarded", "installation"


class FolderStore:
    """A folder of immutable files named by content hash: ``ab/cdef...``; ``unfinished/`` holds what is on its way.

    Every method raises ``BlobsUnavailable`` when the file system refuses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes, sha256: str | None = None) -> str:
        """Store ``content`` durably (synced to disk before this returns) and return its SHA-256 in hex."""
        sha256 = sha256 or hashlib.sha256(content).hexdigest()
        path = self._path(sha256)
        with _said_in_our_words():
            if not path.exists():
                if not path.parent.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    _sync_folder(self._folder)
                self._write_whole(path, content)
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return the bytes stored under ``sha256``. Raises ``FilmLost`` when a folder that is ours has them no more."""
        path = self._path(sha256)
        with _said_in_our_words():
            try:
                return path.read_bytes()
            except FileNotFoundError:
                if self.installation() is None or any((self._folder / UNFINISHED).glob(f"{sha256}.*{DISCARDED}")):
                    raise
            if path.exists():  # a removal was called off meanwhile
                return path.read_bytes()
        raise FilmLost

    def place(self, sha256: str) -> str:
        """The path of their file."""
        return str(self._path(sha256))

    def discard(self, hashes: Sequence[str], unneeded: Unneeded) -> None:
        """Remove blobs that no job needs.

        An upload of the same bytes may arrive meanwhile. It counts its need before it looks for the file; so the files
        are first moved aside, the need asked for once more, and a file moved back if it came.
        """
        aside: dict[str, Path] = {}
        with _said_in_our_words():
            (self._folder / UNFINISHED).mkdir(parents=True, exist_ok=True)
            try:
                for sha256 in hashes:
                    with suppress(FileNotFoundError):
                        aside[sha256] = self._path(sha256).rename(self._aside(sha256))
            finally:
                self._settle(aside, unneeded)

    def tidy(self, unneeded: Unneeded, older_than_s: float) -> None:
        """Finish what killed processes left in ``unfinished/``: half-written files go, a needed blob goes back."""
        aside: dict[str, Path] = {}
        # What is not there any more was finished meanwhile, by its own process or another that tidies.
        with _said_in_our_words(), suppress(FileNotFoundError):
            for path in (self._folder / UNFINISHED).glob("*"):
                if time.time() - path.stat().st_ctime < older_than_s:
                    continue
                sha256 = path.name.partition(".")[0]
                if path.name.endswith(DISCARDED) and not self._path(sha256).exists():
                    aside[sha256] = path
                else:
                    path.unlink()
            self._settle(aside, unneeded)

    def installation(self) -> str | None:
        """The id of the installation whose folder this is."""
        with _said_in_our_words(), suppress(FileNotFoundError):
            return (self._folder / INSTALLATION).read_text()
        return None

    def belong_to(self, installation: str) -> None:
        """Keep this id, synced to disk."""
        with _said_in_our_words():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write_whole(self._folder / INSTALLATION, installation.encode())

    def stored(self, older_than_s: float) -> Iterator[str]:
        """The SHA-256 of every blob that was stored that long ago."""
        # What is removed while we look ends this look; the next sees the rest.
        with _said_in_our_words(), suppress(FileNotFoundError):
            for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
                if time.time() - path.stat().st_mtime >= older_than_s:
                    yield path.parent.name + path.name

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256[2:]

    def _aside(self, sha256: str) -> Path:
        return self._folder / UNFINISHED / f"{sha256}.{os.getpid()}{DISCARDED}"

    def _settle(self, aside: Mapping[str, Path], unneeded: Unneeded) -> None:
        """Remove what is aside and not needed; the rest goes back, all of it where the ledger cannot be asked."""
        needed = set(aside)
        try:
            needed.difference_update(unneeded(list(aside)))
        finally:
            for sha256, path in aside.items():
                with suppress(FileNotFoundError):
                    if sha256 in needed:
                        path.rename(self._path(sha256))
                    else:
                        path.unlink()

    def _write_whole(self, path: Path, content: bytes) -> None:
        (self._folder / UNFINISHED).mkdir(exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=self._folder / UNFINISHED, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(unfinished).replace(path)
        except BaseException:
            Path(unfinished).unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


@contextmanager
def _said_in_our_words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BlobsUnavailable(error.strerror or type(error).__name__) from error


def _sync_folder(folder: Path) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
