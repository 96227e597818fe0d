"""Zips: what is honest comes out whole, what is hostile becomes that entry's refusal, and the rest goes on."""

from __future__ import annotations

import gc
import io
import random
import stat
import zipfile

import pytest

from cxr.errors import (
    CorruptArchive,
    CorruptImage,
    EmptyFile,
    FileTooLarge,
    ImageRejected,
    TooManyImages,
    UnsafeArchiveEntry,
    UnsupportedFormat,
)
from gateway import zip_directory
from gateway.archives import Archive, is_archive
from tests.files import png
from tests.zips import (
    claiming_method,
    claiming_size,
    encrypted,
    overlapping,
    with_renamed_entry,
    zip_of,
    zip_with_link,
    zip_with_mode,
)

LIMIT = 3 * 1024**2
FILM = png()


def films(archive: bytes, limit: int = LIMIT, max_entries: int = 1000) -> dict[str, bytes | ImageRejected]:
    opened = Archive(io.BytesIO(archive), limit, max_entries)
    try:
        return {name: content for name, _, content in opened.films()}
    finally:
        opened.close()


@pytest.mark.parametrize(
    "name",
    [
        "../outside.png",
        "a/../../outside.png",
        "/etc/outside.png",
        "C:/outside.png",
        "c:outside.png",
        "..\\outside.png",
        "a\\..\\..\\outside.png",
        "\\\\server\\share\\outside.png",
    ],
)
def test_a_name_that_points_outside_is_one_refusal(name: str) -> None:
    answers = films(zip_of({"before.png": FILM, name: FILM, "after.png": FILM}))
    assert isinstance(answers[name], UnsafeArchiveEntry)
    assert answers["before.png"] == answers["after.png"] == FILM


def test_a_name_with_a_null_byte_is_refused() -> None:
    (answer,) = films(with_renamed_entry(zip_of({"film.png.exe": FILM}), "film.png.exe", "film.png\0exe")).values()
    assert isinstance(answer, UnsafeArchiveEntry)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_what_is_not_a_plain_file_is_refused(kind: int) -> None:
    (answer,) = films(zip_with_mode("film.png", kind | 0o777)).values()
    assert isinstance(answer, UnsafeArchiveEntry)


def test_a_link_says_that_it_is_one() -> None:
    (answer,) = films(zip_with_link()).values()
    assert "link" in str(answer)


def test_an_encrypted_entry_is_refused() -> None:
    (answer,) = films(encrypted(zip_of({"film.png": FILM}))).values()
    assert isinstance(answer, UnsafeArchiveEntry)
    assert "encrypted" in str(answer)


@pytest.mark.parametrize("method", [9, 14, 93, 99])
def test_a_compression_that_is_not_read_here_is_refused(method: int) -> None:
    (answer,) = films(claiming_method(zip_of({"film.png": FILM}), method)).values()
    assert isinstance(answer, UnsupportedFormat)


def test_an_archive_inside_an_archive_is_not_opened() -> None:
    answers = films(zip_of({"inner.zip": zip_of({"film.png": FILM}), "film.png": FILM}))
    assert isinstance(answers["inner.zip"], UnsupportedFormat)
    assert answers["film.png"] == FILM


def test_an_entry_over_the_limit_is_refused_by_its_header() -> None:
    answers = films(zip_of({"large.png": random.Random(1).randbytes(LIMIT + 1), "film.png": FILM}))
    assert isinstance(answers["large.png"], FileTooLarge)
    assert answers["film.png"] == FILM


def test_a_bomb_is_refused_by_its_header() -> None:
    answers = films(zip_of({"bomb.png": b"\0" * (2 * 1024**2), "film.png": FILM}))
    assert isinstance(answers["bomb.png"], UnsafeArchiveEntry)
    assert "100-fold" in str(answers["bomb.png"])
    assert answers["film.png"] == FILM


@pytest.mark.parametrize("said", [10, 1024])
def test_a_bomb_that_lies_about_its_size_yields_no_more_than_it_said(said: int) -> None:
    (answer,) = films(claiming_size(zip_of({"bomb.png": b"\0" * (8 * 1024**2)}), said)).values()
    assert isinstance(answer, CorruptImage)


def test_an_entry_that_says_more_than_it_holds_is_damaged() -> None:
    (answer,) = films(claiming_size(zip_of({"film.png": FILM}), len(FILM) + 10)).values()
    assert isinstance(answer, CorruptImage)


def test_entries_that_share_bytes_are_refused() -> None:
    assert all(isinstance(answer, UnsafeArchiveEntry) for answer in films(overlapping()).values())


def test_a_damaged_entry_is_one_refusal() -> None:
    archive = bytearray(zip_of({"bad.png": FILM, "good.png": FILM}, zipfile.ZIP_STORED))
    archive[60] ^= 0xFF
    answers = films(bytes(archive))
    assert isinstance(answers["bad.png"], CorruptImage)
    assert answers["good.png"] == FILM


def test_an_empty_entry_is_refused() -> None:
    assert isinstance(films(zip_of({"empty.png": b""}))["empty.png"], EmptyFile)


def test_folders_and_litter_do_not_count() -> None:
    litter = {
        "scans/": b"",
        "__MACOSX/._a.png": b"x",
        "scans/.DS_Store": b"x",
        "scans/._a.png": b"x",
        "Thumbs.db": b"x",
        "DICOMDIR": b"x",
    }
    assert films(zip_of({**litter, "scans/a.png": FILM})) == {"scans/a.png": FILM}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_honest_entries_come_out_whole_and_in_order(method: int) -> None:
    entries = {f"films/{number}.png": FILM + bytes([number]) for number in (3, 1, 2)}
    assert list(films(zip_of(entries, method)).items()) == list(entries.items())


@pytest.mark.parametrize("before", [b"", b"#!/bin/sh\n"])
@pytest.mark.parametrize("is_long", [False, True])
def test_a_directory_of_several_pages_comes_out_whole_and_in_order(
    before: bytes, is_long: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_directory, "PAGE_ENTRIES", 4)
    if is_long:
        monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)  # zipfile then writes the 64-bit end record
    entries = {f"{number}.png": FILM + bytes([number]) for number in range(11)}
    archive = zip_of(entries)
    assert (zip_directory.END64 in archive) is is_long
    assert list(films(before + archive).items()) == list(entries.items())


def test_entries_of_two_pages_that_share_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_directory, "PAGE_ENTRIES", 1)
    answers = films(overlapping())
    assert len(answers) > 1
    assert all(isinstance(answer, UnsafeArchiveEntry) for answer in answers.values())


def test_a_long_directory_is_never_in_memory_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_directory, "PAGE_ENTRIES", 4)
    archive = zip_of({f"{number}.png": FILM for number in range(40)})

    def parsed() -> int:
        gc.collect()
        return sum(isinstance(one, zipfile.ZipInfo) for one in gc.get_objects())

    before, opened = parsed(), Archive(io.BytesIO(archive), LIMIT, 100)
    assert len(opened) == 40
    assert max(parsed() - before for _ in opened.films()) <= 2 * zip_directory.PAGE_ENTRIES


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip at all", zip_of({"film.png": FILM})[:-30]])
def test_an_unreadable_archive_says_so(content: bytes) -> None:
    with pytest.raises(CorruptArchive):
        films(content)


def test_a_giant_directory_is_not_parsed() -> None:
    with pytest.raises(TooManyImages):
        films(zip_of({str(number): b"" for number in range(1100)}), max_entries=10)


@pytest.mark.parametrize(
    ("name", "first_bytes", "expected"),
    [
        ("films.zip", b"PK\x03\x04", True),
        ("FILMS.ZIP", b"anyt", True),
        ("films", b"PK\x03\x04", True),
        ("report.docx", b"PK\x03\x04", False),
        ("film.png", b"\x89PNG", False),
        ("", b"", False),
    ],
)
def test_what_counts_as_an_archive(name: str, first_bytes: bytes, expected: bool) -> None:
    assert is_archive(name, first_bytes) is expected
