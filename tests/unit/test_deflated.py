"""Deflated DICOM files: found by their meta header, inflated no further than asked."""

from __future__ import annotations

import struct
import zlib

import pytest

from cxr.deflated import inflated

PLAIN = bytes(range(256)) * 20
ENOUGH = 10**6


def element(number: int, kind: bytes, value: bytes) -> bytes:
    """One of the meta group, explicit little endian (PS3.5 7.1.2)."""
    long = kind in (b"OB", b"UN", b"UT")
    length = struct.pack("<2xL" if long else "<H", len(value))
    return struct.pack("<HH2s", 2, number, kind) + length + value


VERSION = element(0x0001, b"OB", b"\0\x01")
DEFLATED = element(0x0010, b"UI", b"1.2.840.10008.1.2.1.99")


def file(*meta: bytes, content: bytes = PLAIN, preamble: bytes = bytes(128) + b"DICM") -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return preamble + b"".join(meta) + packer.compress(content) + packer.flush()


FILES = {
    "syntax alone": file(DEFLATED),
    "behind others": file(VERSION, element(0x0002, b"UI", b"1.2\0"), DEFLATED, element(0x0013, b"SH", b"X 1 ")),
    "padded with a zero": file(element(0x0010, b"UI", b"1.2.840.10008.1.2.1.99\0\0")),
    "padded with a blank": file(element(0x0010, b"UI", b"1.2.840.10008.1.2.1.99  ")),
    "a long unknown": file(element(0x0102, b"UN", bytes(70_000)), DEFLATED),
    "without preamble": file(DEFLATED, preamble=b""),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES.keys())
def test_a_deflated_file_is_found_and_inflated(content: bytes) -> None:
    assert inflated(content, ENOUGH) == PLAIN


NOT_DEFLATED = {
    "nothing": b"",
    "another syntax": file(VERSION, element(0x0010, b"UI", b"1.2.840.10008.1.2.1\0")),
    "no syntax": file(VERSION),
    "the name in another element": file(element(0x0002, b"UI", b"1.2.840.10008.1.2.1.99")),
    "the name in another group": bytes(128)
    + b"DICM"
    + struct.pack("<HH2sH", 8, 0x10, b"UI", 22)
    + b"1.2.840.10008.1.2.1.99",
    "it ends in a long length": bytes(128) + b"DICM" + VERSION[:9],
    "no preamble and zeros": bytes(200),
}


@pytest.mark.parametrize("content", NOT_DEFLATED.values(), ids=NOT_DEFLATED.keys())
def test_other_files_are_left_alone(content: bytes) -> None:
    assert inflated(content, ENOUGH) is None


def test_no_more_than_asked_is_inflated() -> None:
    assert inflated(file(DEFLATED, content=bytes(10**6)), 1000) == bytes(1000)
    assert inflated(file(DEFLATED), len(PLAIN)) == PLAIN


@pytest.mark.parametrize("damage", [lambda whole: whole[:-40], lambda whole: whole[: -len(whole) // 3]])
def test_a_stream_that_breaks_off_is_damage(damage: object) -> None:
    with pytest.raises(zlib.error):
        inflated(damage(file(DEFLATED)), ENOUGH)  # type: ignore[operator]


def test_a_stream_of_other_bytes_is_damage() -> None:
    with pytest.raises(zlib.error):
        inflated(bytes(128) + b"DICM" + DEFLATED + b"\xff" * 50, ENOUGH)
