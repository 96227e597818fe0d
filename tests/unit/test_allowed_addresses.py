"""Which addresses a request may name, and what is read there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from cxr.errors import AddressRefused, CxrError, EmptyFile, FileTooLarge, ObjectNotFound
from cxr.settings import Settings
from gateway.addresses import Allowed
from gateway.object_stores import fetch

PREFIXES = "s3://films/in/,s3://all/,file:///srv/films/"


@pytest.mark.parametrize(
    ("text", "bucket", "path"),
    [
        ("s3://films/in/a.dcm", "films", "in/a.dcm"),
        ("S3://films/in/2026/11/a%20b.dcm", "films", "in/2026/11/a b.dcm"),
        ("s3://all/x", "all", "x"),
        ("file:///srv/films/a%3Fb.png", "", "srv/films/a?b.png"),
        ("file:///srv/films/ä.png", "", "srv/films/ä.png"),
    ],
)
def test_what_lies_below_a_prefix_is_allowed(text: str, bucket: str, path: str) -> None:
    [address] = Allowed(PREFIXES).check([text])
    assert (address.bucket, address.path) == (bucket, path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "film.dcm",
        "/srv/films/a.png",
        "http://films/in/a.dcm",
        "https://169.254.169.254/latest/meta-data/",
        "gopher://films/in/a.dcm",
        "s3://films/a.dcm",
        "s3://films/in",
        "s3://films/in/",
        "s3://films/inside/a.dcm",
        "s3://films/in/../secret.dcm",
        "s3://films/in/%2e%2e/secret.dcm",
        "s3://films/in/%2E./secret.dcm",
        "s3://films/in/a/./b.dcm",
        "s3://films/in//b.dcm",
        "s3://films/in/a%5C..%5Cb.dcm",
        "s3://films/in/a%00.dcm",
        "s3://films/in/a%0d%0ab.dcm",
        "s3://films/in/a\r\nb.dcm",
        "s3://films/in/%ff.dcm",
        "s3://Films/in/a.dcm",
        "s3://films:9000/in/a.dcm",
        "s3://key:secret@films/in/a.dcm",
        "s3://films@evil.example/in/a.dcm",
        "s3://films/in/a.dcm?versionId=1",
        "s3://films/in/a.dcm#x",
        "s3://[::1/in/a.dcm",
        "s3:///in/a.dcm",
        "file://srv/films/a.png",
        "file://localhost/srv/films/a.png",
        "file:///srv/films/../../etc/passwd",
        "file:///srv/filmsx/a.png",
        "file:///etc/passwd",
        "file:/etc/passwd",
        "s3://films/in/" + "x" * 3000,
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(AddressRefused, match="address 1: "):
        Allowed(PREFIXES).check(["s3://all/x", text])


def test_where_nothing_is_allowed_nothing_is() -> None:
    with pytest.raises(AddressRefused):
        Allowed("").check(["s3://films/in/a.dcm"])


@pytest.mark.parametrize("prefixes", ["", "s3://films/", PREFIXES, "file:///srv/films/"])
def test_prefixes_that_a_setting_may_have(prefixes: str) -> None:
    assert Settings(address_prefixes=prefixes).address_prefixes == prefixes


@pytest.mark.parametrize(
    "prefixes",
    ["s3://films", "s3://films/in", "file:///", "file://srv/", "http://films/", "films/", "s3://", "s3://a/ b"],
)
def test_prefixes_that_it_may_not_have(prefixes: str) -> None:
    with pytest.raises(ValidationError):
        Settings(address_prefixes=prefixes)


def read(folder: Path, name: str, max_bytes: int = 10) -> bytes:
    [address] = Allowed(f"file://{folder}/films/").check([f"file://{folder}/films/{name}"])
    return fetch(address, max_bytes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of films with every trap in it."""
    films = tmp_path / "films"
    (films / "below").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(b"secret")
    (films / "film").write_bytes(b"film")
    (films / "ten").write_bytes(b"x" * 10)
    (films / "eleven").write_bytes(b"x" * 11)
    (films / "empty").write_bytes(b"")
    (films / "outside").symlink_to(tmp_path / "secret")
    (films / "up").symlink_to(tmp_path)
    (films / "inside").symlink_to(films / "film")
    (films / "loop").symlink_to(films / "loop")
    (films / "device").symlink_to("/dev/zero")
    os.mkfifo(films / "pipe")
    return tmp_path


def test_a_file_is_read_up_to_the_limit(folder: Path) -> None:
    assert read(folder, "film") == b"film"
    assert read(folder, "inside") == b"film"
    assert len(read(folder, "ten")) == 10


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("eleven", FileTooLarge),
        ("empty", EmptyFile),
        ("nothing", ObjectNotFound),
        ("film/below", ObjectNotFound),
        ("below", ObjectNotFound),
        ("outside", ObjectNotFound),
        ("up/secret", ObjectNotFound),
        ("loop", ObjectNotFound),
        ("device", ObjectNotFound),
        ("pipe", ObjectNotFound),
        ("x" * 300, ObjectNotFound),
    ],
)
def test_what_is_no_film_here_is_refused_alone(folder: Path, name: str, error: type[CxrError]) -> None:
    with pytest.raises(error):
        read(folder, name)
