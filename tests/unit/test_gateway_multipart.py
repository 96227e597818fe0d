"""Multipart bodies on their way to the spool: whole whatever the pieces, refused as soon as a limit is passed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from fastapi import Request
from starlette.types import Message

from cxr.errors import RequestRefused, RequestTooLarge, TooManyImages
from gateway.multipart import receive

BOUNDARY = "limit"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def body(*parts: tuple[str, str | None, bytes]) -> bytes:
    """Parts as (field, file name, content)."""
    lines = b""
    for field, name, content in parts:
        file = "" if name is None else f'; filename="{name}"'
        lines += (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"{file}\r\n\r\n'.encode() + content + b"\r\n"
        )
    return lines + f"--{BOUNDARY}--\r\n".encode()


class Sender:
    """A client that sends a body in pieces and counts how much was asked of it."""

    def __init__(self, content: bytes, piece: int = 100, **headers: str) -> None:
        self._pieces: Iterator[bytes] = iter([content[at : at + piece] for at in range(0, len(content), piece)])
        self.sent = 0
        pairs = {"content-type": TYPE, **headers}
        scope = {
            "type": "http",
            "method": "POST",
            "headers": [(key.replace("_", "-").encode(), value.encode()) for key, value in pairs.items()],
        }
        self.request = Request(scope, self._receive)

    async def _receive(self) -> Message:
        piece = next(self._pieces, b"")
        self.sent += len(piece)
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}


def received(sender: Sender, max_bytes: int = 10**9, max_files: int = 100) -> list[tuple[str, bytes]]:
    spool = asyncio.run(receive(sender.request, max_bytes, max_files))
    try:
        found = []
        for upload in spool.uploads:
            with upload.open() as file:
                found.append((upload.name, file.read()))
        return found
    finally:
        spool.close()


@pytest.mark.parametrize("piece", [1, 7, 100, 10**7])
def test_parts_arrive_whole_whatever_the_pieces(piece: int) -> None:
    content = bytes(range(256)) * 40 + b"\r\n--limi" * 3
    parts = [("files", "a.png", content), ("files", "b.png", b""), ("files", "ü.png", content[::-1])]
    assert received(Sender(body(*parts), piece)) == [("a.png", content), ("b.png", b""), ("ü.png", content[::-1])]


def test_other_fields_are_left_aside() -> None:
    assert received(Sender(body(("note", None, b"hello"), ("other", "x.png", b"x"), ("files", "a.png", b"a")))) == [
        ("a.png", b"a")
    ]


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("a%22b.png", 'a"b.png'),
        ('a\\"b.png', 'a"b.png'),
        ("%0D%0A.png", "\r\n.png"),
        ("100%25;x,y.png", "100%25;x,y.png"),
    ],
)
def test_a_name_is_read_as_html_forms_and_curl_write_it(sent: str, name: str) -> None:
    assert received(Sender(body(("files", sent, b"a")))) == [(name, b"a")]


def test_a_window_can_be_read_anywhere() -> None:
    spool = asyncio.run(receive(Sender(body(("files", "a", b"0123456789"), ("files", "b", b"abc"))).request, 10**6, 10))
    with spool.uploads[0].open() as first, spool.uploads[1].open() as second:
        assert first.seek(-3, 2) == 7
        assert first.read(10) == b"789"
        assert second.read() == b"abc"
        assert first.seek(2) == 2
        assert first.read(3) == b"234"
        assert first.seek(20) == 20
        assert first.read() == b""
        with pytest.raises(ValueError, match="before the start"):
            first.seek(-30, 2)
    spool.close()


def test_a_declared_size_over_the_limit_is_refused_unread() -> None:
    sender = Sender(body(("files", "a.png", b"x" * 10_000)), content_length="10000")
    with pytest.raises(RequestTooLarge):
        received(sender, max_bytes=5000)
    assert sender.sent == 0


def test_an_undeclared_size_over_the_limit_is_refused_while_it_arrives() -> None:
    sender = Sender(body(("files", "a.png", b"x" * 10_000)))
    with pytest.raises(RequestTooLarge):
        received(sender, max_bytes=5000)
    assert sender.sent < 5200


def test_too_many_parts_are_refused() -> None:
    with pytest.raises(TooManyImages):
        received(Sender(body(*(("files", f"{n}.png", b"x") for n in range(5)))), max_files=4)


@pytest.mark.parametrize(
    "sender",
    [
        Sender(b"{}", **{"content-type": "application/json"}),
        Sender(b"{}", **{"content-type": "multipart/form-data"}),
        Sender(body(("files", "a.png", b"x"))[:-12]),
        Sender(b"nothing of the kind"),
        Sender(b""),
    ],
    ids=["another type", "no boundary", "cut off", "not multipart", "empty"],
)
def test_a_body_that_cannot_be_read_is_refused(sender: Sender) -> None:
    with pytest.raises(RequestRefused):
        received(sender)
