"""Bytes by content hash, in a real folder and in a real object store (moto's server, over HTTP)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from cxr.blobs import BlobStore, FolderStore, ObjectStore, blob_store
from cxr.errors import BlobsUnavailable, FilmLost, LedgerUnavailable
from cxr.settings import Settings
from tests.object_store import Bucket
from tests.stack import free_port


def none_needed(hashes: Sequence[str]) -> Sequence[str]:
    return hashes


def all_needed(_: Sequence[str]) -> Sequence[str]:
    return []


@dataclass
class Place:
    """A store and what lies in it, whatever it is called there."""

    store: BlobStore
    names: Callable[[], list[str]]
    put_aside: Callable[[str], None]
    """Leave a blob as a process leaves it that is killed while it removes it."""


def _folder(folder: Path) -> Place:
    def put_aside(sha256: str) -> None:
        (folder / sha256[:2] / sha256[2:]).rename(folder / "unfinished" / f"{sha256}.1.discarded")

    def names() -> list[str]:
        return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]

    return Place(FolderStore(folder), names, put_aside)


def _bucket(bucket: Bucket) -> Place:
    def put_aside(sha256: str) -> None:
        bucket.move(f"{sha256[:2]}/{sha256[2:]}", f"aside/{sha256}.1")

    return Place(ObjectStore(bucket.url), bucket.names, put_aside)


@pytest.fixture(params=["folder", "objects"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return _folder(tmp_path) if request.param == "folder" else _bucket(request.getfixturevalue("bucket"))


def test_bytes_come_back_under_their_hash(place: Place) -> None:
    sha256 = place.store.put(b"film")
    assert sha256 == hashlib.sha256(b"film").hexdigest()
    assert place.store.get(sha256) == b"film"


def test_identical_bytes_are_stored_once(place: Place) -> None:
    assert place.store.put(b"film") == place.store.put(b"film")
    assert len(place.names()) == 1


def test_discarded_bytes_are_gone(place: Place) -> None:
    sha256 = place.store.put(b"film")
    place.store.discard([sha256], none_needed)
    assert place.names() == []
    with pytest.raises(BlobsUnavailable):
        place.store.get(sha256)
    place.store.discard([sha256], none_needed)


def test_bytes_that_an_installations_own_store_has_no_more_are_lost(place: Place) -> None:
    """A store that nobody has used, such as a volume that is not mounted, is away instead."""
    sha256 = place.store.put(b"film")
    place.put_aside(sha256)
    place.store.belong_to("ours")
    with pytest.raises(BlobsUnavailable):  # it may come back
        place.store.get(sha256)
    place.store.tidy(none_needed, older_than_s=0)
    with pytest.raises(FilmLost):
        place.store.get(sha256)


def test_many_are_removed_with_one_question(place: Place) -> None:
    hashes = [place.store.put(word) for word in (b"one", b"two", b"three")]
    questions = list[Sequence[str]]()

    def unneeded(asked: Sequence[str]) -> Sequence[str]:
        questions.append(asked)
        return [sha256 for sha256 in asked if sha256 != hashes[1]]

    place.store.discard([*hashes, hashes[0], "0" * 64], unneeded)
    assert [sorted(asked) for asked in questions] == [sorted(hashes)]
    assert [*place.store.stored(older_than_s=0)] == [hashes[1]]
    assert len(place.names()) == 1


def test_nothing_is_removed_while_nobody_can_say_what_is_needed(place: Place) -> None:
    hashes = {place.store.put(word) for word in (b"one", b"two")}

    def away(_: Sequence[str]) -> Sequence[str]:
        raise LedgerUnavailable

    with pytest.raises(LedgerUnavailable):
        place.store.discard([*hashes], away)
    assert {*place.store.stored(older_than_s=0)} == hashes
    assert len(place.names()) == 2


def test_bytes_that_are_needed_again_meanwhile_stay(place: Place) -> None:
    sha256 = place.store.put(b"film")
    place.store.discard([sha256], all_needed)
    assert place.store.get(sha256) == b"film"
    assert len(place.names()) == 1


@pytest.mark.parametrize("needed", [True, False])
def test_identical_bytes_that_arrive_during_a_removal_stay(place: Place, needed: bool) -> None:
    """Also when their need was counted after the question, and only their arrival came before its end."""
    sha256 = place.store.put(b"film")

    def arrives(hashes: Sequence[str]) -> Sequence[str]:
        place.store.put(b"film")
        return [] if needed else hashes

    place.store.discard([sha256], arrives)
    assert place.store.get(sha256) == b"film"
    assert len(place.names()) == 1


def test_what_a_killed_process_half_removed_is_settled(place: Place) -> None:
    needed, unneeded, arrived = (place.store.put(word) for word in (b"needed", b"unneeded", b"arrived again"))
    for sha256 in (needed, unneeded, arrived):
        place.put_aside(sha256)
    place.store.put(b"arrived again")
    place.store.tidy(lambda _: [unneeded], older_than_s=3600)
    assert len(place.names()) == 4  # their processes may still live
    place.store.tidy(lambda _: [unneeded], older_than_s=0)
    assert (place.store.get(needed), place.store.get(arrived)) == (b"needed", b"arrived again")
    assert len(place.names()) == 2


def test_what_is_stored_is_listed_by_age(place: Place) -> None:
    hashes = {place.store.put(word) for word in (b"one", b"two", b"three")}
    place.put_aside(place.store.put(b"on its way out"))
    assert set(place.store.stored(older_than_s=0)) == hashes
    assert list(place.store.stored(older_than_s=3600)) == []


def test_a_half_written_file_goes(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put(b"film")
    (tmp_path / "unfinished" / "tmp123.part").write_bytes(b"half a fi")
    store.tidy(all_needed, older_than_s=0)
    assert list((tmp_path / "unfinished").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_in_our_words(tmp_path: Path) -> None:
    blocked = tmp_path / "a file, not a folder"
    blocked.write_bytes(b"")
    with pytest.raises(BlobsUnavailable):
        FolderStore(blocked).put(b"film")


def test_an_object_store_that_is_away_is_said_in_our_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("cxr.s3.MOST_RETRIES", 0)
    away = ObjectStore("s3://films/of")
    for call in (lambda: away.put(b"film"), lambda: away.get("00" * 32), lambda: list(away.stored(0))):
        with pytest.raises(BlobsUnavailable):
            call()


def test_a_bucket_that_is_not_there_is_said_in_our_words(bucket: Bucket) -> None:
    with pytest.raises(BlobsUnavailable):
        ObjectStore("s3://no-such-bucket").put(b"film")


def test_the_settings_choose_the_store(tmp_path: Path) -> None:
    assert isinstance(blob_store(Settings(blobs_dir=tmp_path)), FolderStore)
    assert isinstance(blob_store(Settings(blobs_url="s3://films/of")), ObjectStore)
