"""Image bytes by their SHA-256: in a folder that all processes share, or in an object store; identical bytes once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from cxr.blobs.folder import FolderStore
from cxr.blobs.needs import Unneeded
from cxr.blobs.objects import ObjectStore
from cxr.settings import Settings

__all__ = ["BlobStore", "FolderStore", "ObjectStore", "blob_store"]


class BlobStore(Protocol):
    """Every method raises ``BlobsUnavailable`` when the store refuses or is away.

    Whoever stores bytes has counted the need for them in the ledger before. So bytes that nobody needs are first moved
    aside, the need is asked for once more, and they are moved back if it came, since identical bytes may arrive
    meanwhile, or if nobody could say.
    """

    def put(self, content: bytes, sha256: str | None = None) -> str:
        """Store ``content`` durably, unless it is there, and return its SHA-256 in hex: ``sha256``, if it is known."""
        ...

    def get(self, sha256: str) -> bytes:
        """The bytes stored under ``sha256``.

        Raises ``FilmLost`` when they are not there, nor on their way, although the store is: it knows its installation.
        """
        ...

    def place(self, sha256: str) -> str:
        """Where these bytes lie or would lie, for people."""
        ...

    def discard(self, hashes: Sequence[str], unneeded: Unneeded) -> None:
        """Remove blobs that no job needs: all of them aside, then one question."""
        ...

    def tidy(self, unneeded: Unneeded, older_than_s: float) -> None:
        """Finish what processes that were killed began that long ago: half-written blobs, half-removed ones."""
        ...

    def installation(self) -> str | None:
        """The id of the installation whose store this is; None when it was given none."""
        ...

    def belong_to(self, installation: str) -> None:
        """Keep this id, durably."""
        ...

    def stored(self, older_than_s: float) -> Iterator[str]:
        """The SHA-256 of every blob that was stored that long ago."""
        ...


def blob_store(settings: Settings) -> BlobStore:
    """The store that the settings name; nothing connects before it is used."""
    return ObjectStore(settings.blobs_url) if settings.blobs_url else FolderStore(settings.blobs_dir)
