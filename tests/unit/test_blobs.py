"""Bytes by content hash, in a real folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cxr.blobs import BlobStore
from cxr.errors import BlobsUnavailable


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_bytes_come_back_under_their_hash(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    sha256 = store.put(b"film")
    assert sha256 == hashlib.sha256(b"film").hexdigest()
    assert store.get(sha256) == b"film"


def test_identical_bytes_are_stored_once(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    assert store.put(b"film") == store.put(b"film")
    assert len(files_in(tmp_path)) == 1


def test_discarded_bytes_are_gone(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    sha256 = store.put(b"film")
    store.discard(sha256, still_needed=lambda _: False)
    assert files_in(tmp_path) == []
    with pytest.raises(BlobsUnavailable):
        store.get(sha256)
    store.discard(sha256, still_needed=lambda _: False)


def test_bytes_that_are_needed_again_meanwhile_stay(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    sha256 = store.put(b"film")
    store.discard(sha256, still_needed=lambda _: True)
    assert store.get(sha256) == b"film"


def test_a_folder_that_cannot_be_written_is_said_in_our_words(tmp_path: Path) -> None:
    blocked = tmp_path / "a file, not a folder"
    blocked.write_bytes(b"")
    with pytest.raises(BlobsUnavailable):
        BlobStore(blocked).put(b"film")


def test_what_a_killed_process_left_behind_is_tidied(tmp_path: Path) -> None:
    """Half-written files go; a blob that was being removed and is needed again goes back."""
    store = BlobStore(tmp_path)
    needed, unneeded = store.put(b"needed"), store.put(b"unneeded")
    for sha256 in (needed, unneeded):
        (tmp_path / sha256[:2] / sha256[2:]).rename(tmp_path / "unfinished" / f"{sha256}.1.discarded")
    (tmp_path / "unfinished" / "tmp123.part").write_bytes(b"half a fi")
    store.tidy(lambda sha256: sha256 == needed, older_than_s=3600)
    assert len(files_in(tmp_path)) == 3  # their processes may still live
    store.tidy(lambda sha256: sha256 == needed, older_than_s=0)
    assert store.get(needed) == b"needed"
    assert len(files_in(tmp_path)) == 1
