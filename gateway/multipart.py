"""A multipart request, streamed to the spool; limits are enforced while it arrives, not after."""

from __future__ import annotations

from collections.abc import AsyncIterator

import python_multipart
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from cxr.errors import NoImages, RequestRefused, RequestTooLarge, TooManyImages
from gateway.names import printable
from gateway.spool import Spool

FIELD = b"files"
# What the HTML standard escapes in names (multipart/form-data encoding algorithm); a % itself is sent as it is.
ESCAPES = ((b"%22", b'"'), (b"%0D", b"\r"), (b"%0A", b"\n"))
FEED_BYTES = 1024**2
LONGEST_SAID = 40  # characters of a wrong part's name
MAX_HEADER_BYTES = 8 * 1024


async def receive(request: Request, max_bytes: int, max_files: int) -> Spool:
    """Read a ``multipart/form-data`` body; its parts called ``files`` become the spool's uploads. The caller closes it.

    Raises:
        RequestRefused: not a readable multipart body.
        RequestTooLarge, TooManyImages: as soon as the limit is passed.
        NoImages: there are parts, and none of them is called so.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise RequestRefused("send multipart/form-data with parts named 'files'")
    if int(request.headers.get("content-length", 0)) > max_bytes:
        raise RequestTooLarge(f"at most {max_bytes} bytes")
    spool = Spool()
    try:
        parts = _Parts(spool, options[b"boundary"], max_files)
        async for block in _blocks(request.stream(), max_bytes):
            await run_in_threadpool(parts.feed, block)
        parts.finish()
    except BaseException:
        spool.close()
        raise
    return spool


async def _blocks(stream: AsyncIterator[bytes], max_bytes: int) -> AsyncIterator[bytes]:
    """The stream in larger pieces, so that one visit to a thread writes a megabyte."""
    received, waiting, waiting_bytes = 0, list[bytes](), 0
    async for piece in stream:
        received += len(piece)
        if received > max_bytes:
            raise RequestTooLarge(f"at most {max_bytes} bytes")
        waiting.append(piece)
        waiting_bytes += len(piece)
        if waiting_bytes >= FEED_BYTES:
            yield b"".join(waiting)
            waiting, waiting_bytes = [], 0
    yield b"".join(waiting)


class _Parts:
    """The parser's callbacks: headers name a part, its bytes go to the spool."""

    def __init__(self, spool: Spool, boundary: bytes, max_files: int) -> None:
        self._spool, self._max_files = spool, max_files
        self._header, self._value, self._disposition = bytearray(), bytearray(), b""
        self._is_file = self._complete = False
        self._other = ""
        self._parser = python_multipart.MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._add_to_header,
                "on_header_value": self._add_to_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._name_part,
                "on_part_data": self._write,
                "on_part_end": self._end,
                "on_end": self._finished,
            },
            max_header_size=MAX_HEADER_BYTES,
        )

    def feed(self, block: bytes) -> None:
        try:
            self._parser.write(block)
        except FormParserError as error:
            raise RequestRefused("the multipart body cannot be read") from error

    def finish(self) -> None:
        if not self._complete:
            raise RequestRefused("the multipart body ends too early")
        if self._other and not self._spool.uploads:
            raise NoImages(f"parts must be named 'files'; yours was '{printable(self._other)[:LONGEST_SAID]}'")

    def _begin(self) -> None:
        self._disposition, self._is_file = b"", False

    def _add_to_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _name_part(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"")
        self._is_file = name == FIELD
        if not self._is_file:
            self._other = self._other or name.decode("utf-8", "replace") or "unnamed"
        if self._is_file:
            if len(self._spool.uploads) >= self._max_files:
                raise TooManyImages(f"at most {self._max_files}")
            self._spool.begin(_unescaped(options.get(b"filename", b"")).decode("utf-8", "replace"))

    def _write(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._spool.write(data[start:end])

    def _end(self) -> None:
        if self._is_file:
            self._spool.end()

    def _finished(self) -> None:
        self._complete = True


def _unescaped(name: bytes) -> bytes:
    for escape, sign in ESCAPES:
        name = name.replace(escape, sign)
    return name
