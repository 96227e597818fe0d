"""Image bytes in an S3-compatible object store."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import obstore
from obstore.exceptions import BaseError

from cxr.blobs.needs import Unneeded
from cxr.errors import BlobsUnavailable, FilmLost
from cxr.s3 import bucket

ASIDE, INSTALLATION = "aside", "installation"


class ObjectStore:
    """Objects ``ab/cdef...`` under ``url`` (``s3://bucket/prefix``); ``aside/`` holds what is being removed.

    An object is there whole or not at all, and is durable when its request is answered. Needs a store that is
    consistent after writes, as S3 is.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _objects(self) -> Any:
        return bucket(self._url)

    def put(self, content: bytes, sha256: str | None = None) -> str:
        """Store ``content`` durably, unless it is there, and return its SHA-256 in hex."""
        sha256 = sha256 or hashlib.sha256(content).hexdigest()
        with _said_in_our_words():
            if not self._has(_path(sha256)):
                obstore.put(self._objects, _path(sha256), content)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes stored under ``sha256``. Raises ``FilmLost`` when a bucket that is ours has them no more."""
        with _said_in_our_words():
            content = self._bytes(_path(sha256))
            if content is None:
                if self.installation() is None or self._is_aside(sha256):
                    raise FileNotFoundError
                content = self._bytes(_path(sha256))  # a removal may have been called off meanwhile
        if content is None:
            raise FilmLost
        return content

    def place(self, sha256: str) -> str:
        """The address of their object."""
        return f"{self._url.rstrip('/')}/{_path(sha256)}"

    def discard(self, hashes: Sequence[str], unneeded: Unneeded) -> None:
        """Remove blobs that no job needs: copies stay aside until that has been asked once more."""
        aside: list[str] = []
        with _said_in_our_words():
            try:
                for sha256 in hashes:
                    if self._has(_path(sha256)):
                        aside.append(self._moved_aside(sha256))
            finally:
                self._settle(aside, unneeded)

    def tidy(self, unneeded: Unneeded, older_than_s: float) -> None:
        """Finish removals that were begun that long ago: a needed blob goes back."""
        with _said_in_our_words():
            self._settle([*self._paths(ASIDE, older_than_s)], unneeded)

    def installation(self) -> str | None:
        """The id of the installation whose bucket this is."""
        with _said_in_our_words():
            content = self._bytes(INSTALLATION)
        return content.decode() if content is not None else None

    def belong_to(self, installation: str) -> None:
        """Keep this id."""
        with _said_in_our_words():
            obstore.put(self._objects, INSTALLATION, installation.encode())

    def stored(self, older_than_s: float) -> Iterator[str]:
        """The SHA-256 of every blob that was stored that long ago."""
        with _said_in_our_words():
            for path in self._paths(None, older_than_s):
                if path != INSTALLATION and not path.startswith(f"{ASIDE}/"):
                    yield path.replace("/", "")

    def _moved_aside(self, sha256: str) -> str:
        aside = f"{ASIDE}/{sha256}.{secrets.token_hex(4)}"
        obstore.copy(self._objects, _path(sha256), aside)
        obstore.delete(self._objects, _path(sha256))
        return aside

    def _settle(self, aside: Sequence[str], unneeded: Unneeded) -> None:
        """Remove what is aside; what is needed goes back first, all of it where the ledger cannot be asked."""
        hashes = {path: path.removeprefix(f"{ASIDE}/").partition(".")[0] for path in aside}
        needed = set(hashes.values())
        try:
            needed.difference_update(unneeded([*needed]))
        finally:
            for path, sha256 in hashes.items():
                if sha256 in needed and not self._has(_path(sha256)):
                    obstore.copy(self._objects, path, _path(sha256))
                obstore.delete(self._objects, path)

    def _paths(self, prefix: str | None, older_than_s: float) -> Iterator[str]:
        before = datetime.now(UTC) - timedelta(seconds=older_than_s)
        for page in obstore.list(self._objects, prefix):
            yield from (entry["path"] for entry in page if entry["last_modified"] <= before)

    def _is_aside(self, sha256: str) -> bool:
        pages = obstore.list(self._objects, ASIDE)
        return any(entry["path"].startswith(f"{ASIDE}/{sha256}.") for page in pages for entry in page)

    def _bytes(self, path: str) -> bytes | None:
        try:
            return bytes(obstore.get(self._objects, path).bytes())
        except FileNotFoundError:
            return None

    def _has(self, path: str) -> bool:
        try:
            obstore.head(self._objects, path)
        except FileNotFoundError:  # obstore says it so, although not in its tree of errors
            return False
        return True


def _path(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256[2:]}"


@contextmanager
def _said_in_our_words() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        raise BlobsUnavailable(type(error).__name__) from error
