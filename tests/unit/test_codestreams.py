"""What compressed frames say of themselves: JPEG, JPEG 2000 and JP2 headers made byte by byte."""

from __future__ import annotations

import struct

import pytest

from cxr.codestreams import MAX_SCANS, FrameHeader, frame_header, has_too_many_scans

SOI, SOS = b"\xff\xd8", b"\xff\xda"


def part(marker: int, content: bytes = b"") -> bytes:
    """A JPEG part with its length."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def frame(rows: int = 300, columns: int = 200, samples: int = 1, bits: int = 8, marker: int = 0xC0) -> bytes:
    return part(marker, struct.pack(">BHHB", bits, rows, columns, samples) + bytes(3 * min(samples, 4)))


def jpeg2000(right: int, bottom: int, left: int = 0, top: int = 0, samples: int = 1, depth: int = 7) -> bytes:
    siz = struct.pack(">HHLLLLLLLLHB", 47, 0, right, bottom, left, top, right, bottom, 0, 0, samples, depth)
    return b"\xff\x4f\xff\x51" + siz + bytes(2)


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">L4s", len(content) + 8, kind) + content


JP2 = b"\0\0\0\x0cjP  \r\n\x87\n"


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCF, 0xF7])
def test_every_start_of_frame_is_read(marker: int) -> None:
    header = frame_header(SOI + frame(40_001, 50_002, 200, 130, marker) + SOS)
    assert header == FrameHeader(rows=40_001, columns=50_002, samples=200, bits=130)


@pytest.mark.parametrize("marker", [0xC4, 0xC8, 0xCC])
def test_tables_beside_the_starts_of_frame_are_none(marker: int) -> None:
    assert frame_header(SOI + part(marker, bytes(7)) + frame(30, 20) + SOS) == FrameHeader(30, 20, 1, 8)


BETWEEN = {
    "fill bytes": b"\xff\xff\xff",
    "markers without length": b"\xff\x01\xff\xd0\xff\xd7",
    "a long part": part(0xE0, bytes(40_000)),
    "an empty part": part(0xFE),
    "several parts": part(0xE1, b"Exif") + b"\xff" + part(0xDB, bytes(65)),
}


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN.keys())
def test_what_stands_before_the_frame_is_passed_over(between: bytes) -> None:
    assert frame_header(SOI + between + frame(30, 20) + between + SOS) == FrameHeader(30, 20, 1, 8)


def test_the_last_frame_before_the_pixels_counts() -> None:
    assert frame_header(SOI + frame(30, 20) + frame(50, 40) + SOS) == FrameHeader(50, 40, 1, 8)


NOT_FOLLOWED = {
    "pixels before their size": SOI + SOS + frame(),
    "an end before the pixels": SOI + frame() + b"\xff\xd9",
    "foreign bytes between parts": SOI + frame() + b"\0" + SOS,
    "it ends behind its mark": SOI,
    "it ends in a marker": SOI + b"\xff",
    "it ends in a length": SOI + b"\xff\xe0\0",
    "it ends in its size": SOI + frame()[:7],
    "no pixels": SOI + frame(),
    "JPEG 2000 that ends in its size": jpeg2000(10, 10)[:40],
    "a box without a codestream": JP2 + box(b"jp2c", b"\xff\x4f\xff\x52" + bytes(60)),
    "boxes and no codestream": JP2 + box(b"jp2h", bytes(8)),
    "a box of no length": JP2 + struct.pack(">L4s", 0, b"uuid") + box(b"jp2c", jpeg2000(10, 10)),
    "a box shorter than its own header": JP2 + struct.pack(">L4s", 7, b"uuid") + box(b"jp2c", jpeg2000(10, 10)),
}


@pytest.mark.parametrize("content", NOT_FOLLOWED.values(), ids=NOT_FOLLOWED.keys())
def test_a_header_that_cannot_be_followed_is_damage(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"scans|marker|pixels|ends|box|codestream"):
        frame_header(content)


@pytest.mark.parametrize("content", [b"", b"\xff", b"\xff\x4f\xff\x52" + bytes(60), b"\x89PNG\r\n\x1a\n", bytes(200)])
def test_what_is_neither_has_no_header(content: bytes) -> None:
    assert frame_header(content) is None


def test_a_jpeg_2000_image_lies_between_its_offsets() -> None:
    assert frame_header(jpeg2000(700, 900, left=100, top=200, samples=3)) == FrameHeader(700, 600, 3, 8)


@pytest.mark.parametrize(("depth", "bits"), [(0, 1), (7, 8), (15, 16), (0x80 | 11, 12)])
def test_the_sign_of_a_sample_is_no_bit_of_it(depth: int, bits: int) -> None:
    assert frame_header(jpeg2000(10, 10, depth=depth)) == FrameHeader(10, 10, 1, bits)


@pytest.mark.parametrize("before", [b"", box(b"free"), box(b"jp2h", bytes(30)) + box(b"uuid", bytes(16))])
def test_a_codestream_is_found_behind_other_boxes(before: bytes) -> None:
    assert frame_header(JP2 + before + box(b"jp2c", jpeg2000(10, 20))) == FrameHeader(20, 10, 1, 8)


@pytest.mark.parametrize("before", [b"", b"\0"], ids=["even", "odd"])
def test_scans_are_counted_wherever_they_stand(before: bytes) -> None:
    scan = SOS + bytes(6)
    assert not has_too_many_scans(before + scan * MAX_SCANS)
    assert has_too_many_scans(before + scan * (MAX_SCANS + 1))
    uneven = (SOS + bytes(5)) * MAX_SCANS  # every other one begins on an odd byte
    assert not has_too_many_scans(before + uneven)
    assert has_too_many_scans(before + uneven + SOS)


def test_a_frame_of_many_scans_is_refused_before_a_decoder_sees_it() -> None:
    many = SOI + frame() + (part(0xDA, bytes(4)) + b"\0") * (MAX_SCANS + 1) + b"\xff\xd9"
    with pytest.raises(ValueError, match="too many scans"):
        frame_header(many)
