"""A request's contents: counted before they are read, and never a fault of one that stops the others."""

from __future__ import annotations

import pytest

from cxr.errors import CorruptArchive, CxrError, EmptyFile, FileTooLarge, NoImages, TooManyImages
from gateway.contents import Contents, Film
from gateway.intake import shown_name
from gateway.spool import Upload
from tests.files import png
from tests.zips import zip_of

FILM = png()
AMPLE = 10**9


def contents(*uploads: tuple[str, bytes], max_file_bytes: int = AMPLE, max_images: int = 100) -> Contents:
    return Contents([Upload.of_bytes(name, content) for name, content in uploads], max_file_bytes, max_images)


def read(found: Contents, max_total_bytes: int = AMPLE) -> dict[str, Film]:
    with found:
        return {film.name: film for film in found.films(max_total_bytes)}


def test_files_and_archives_mix_in_the_order_they_were_sent() -> None:
    found = contents(("a.png", FILM), ("b.zip", zip_of({"c.png": FILM, "d/e.png": FILM})), ("f.png", FILM))
    assert len(found) == 4
    assert list(read(found)) == ["a.png", "b.zip/c.png", "b.zip/d/e.png", "f.png"]


def test_what_lies_beside_films_in_a_folder_does_not_count() -> None:
    found = contents(("DICOMDIR", b"x"), (".DS_Store", b"x"), ("IM000001", FILM), ("._IM000001", b"x"))
    assert len(found) == 1
    assert list(read(found)) == ["IM000001"]
    assert len(contents(("DICOMDIR", b"x"))) == 0


EMPTY = zip_of({"folder/": b"", "folder/.DS_Store": b"x", "__MACOSX/a.png": b"x"})


@pytest.mark.parametrize(("archive", "refusal"), [(b"no zip", CorruptArchive), (EMPTY, NoImages)])
def test_an_archive_without_images_refuses_the_request_alone_and_is_a_row_among_others(
    archive: bytes, refusal: type[CxrError]
) -> None:
    with pytest.raises(refusal):
        contents(("films.zip", archive))
    found = contents(("films.zip", archive), ("a.png", FILM))
    assert len(found) == 2
    rows = read(found)
    assert isinstance(rows["films.zip"].content, refusal)
    assert rows["a.png"].content == FILM


def test_empty_and_oversized_files_are_one_row_each() -> None:
    rows = read(contents(("empty.png", b""), ("large.png", FILM + b"x"), ("a.png", FILM), max_file_bytes=len(FILM)))
    assert isinstance(rows["empty.png"].content, EmptyFile)
    assert isinstance(rows["large.png"].content, FileTooLarge)
    assert rows["large.png"].size_bytes == len(FILM) + 1
    assert rows["a.png"].content == FILM


def test_more_images_than_a_job_may_have_are_refused_before_any_is_read() -> None:
    with pytest.raises(TooManyImages):
        contents(("a.zip", zip_of({f"{n}.png": FILM for n in range(3)})), ("b.png", FILM), max_images=3)


def test_past_the_total_the_rest_is_refused_one_by_one() -> None:
    rows = read(contents(*((f"{n}.png", FILM) for n in range(4))), max_total_bytes=2 * len(FILM))
    assert [isinstance(film.content, bytes) for film in rows.values()] == [True, True, False, False]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("film.png", "film.png"),
        ("Röntgen 胸.png", "Röntgen 胸.png"),
        ("", "unnamed"),
        ("a\nb\x00c\x1b[31m.png", "a\ufffdb\ufffdc\ufffd[31m.png"),
        ("right\u202egnp.exe", "right\ufffdgnp.exe"),
        ("x" * 1000 + "y" * 254, "x" + "y" * 254),
    ],
)
def test_names_are_shown_printable_and_short(given: str, shown: str) -> None:
    assert shown_name(given) == shown
