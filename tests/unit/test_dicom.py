"""DICOM films: grey levels as a viewer shows them, and refusals before pixels are decoded."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import numpy as np
import pydicom
import pytest

from cxr.dicom import grey_levels, looks_like_dicom
from cxr.errors import (
    CorruptDicom,
    CxrError,
    MultiFrameDicom,
    TooManyPixels,
    UnsupportedFormat,
    UnsupportedTransferSyntax,
    WrongBodyPart,
    WrongModality,
)
from cxr.imaging import DEFAULT_LIMITS, preprocess
from deploy.local.settings import ROOT
from tests.files import dicom, grey_ramp

LIMITS = DEFAULT_LIMITS.max_pixels, DEFAULT_LIMITS.max_file_bytes


def test_eight_bits_come_through_unchanged() -> None:
    assert np.array_equal(grey_levels(dicom(), *LIMITS), grey_ramp())


def test_monochrome1_is_turned_the_right_way_round() -> None:
    shown = grey_levels(dicom(PhotometricInterpretation="MONOCHROME1"), *LIMITS)
    assert np.array_equal(shown, 255 - grey_ramp())


def test_a_window_is_applied() -> None:
    deep = grey_ramp().astype(np.uint16) * 16
    shown = grey_levels(dicom(deep, WindowCenter=1600, WindowWidth=1600), *LIMITS)
    assert shown[100, np.flatnonzero(deep[100] < 800)].max() == 0
    assert shown[30, 30] == 255


def test_deep_levels_without_a_window_are_stretched() -> None:
    shown = grey_levels(dicom(grey_ramp().astype(np.uint16) * 4), *LIMITS)
    assert shown.min() == 0
    assert shown.max() == 255


def test_a_file_without_preamble_is_read() -> None:
    bare = dicom()[132:]
    assert looks_like_dicom(bare)
    assert np.array_equal(grey_levels(bare, *LIMITS), grey_ramp())


@pytest.mark.parametrize(("implicit", "little"), [(True, True), (False, True), (False, False)])
def test_a_file_without_a_meta_header_is_read_as_its_bytes_say(implicit: bool, little: bool) -> None:
    film = pydicom.dcmread(io.BytesIO(dicom(grey_ramp().astype(np.uint16) * 16, WindowCenter=1600, WindowWidth=1600)))
    shown = grey_levels(as_file(film, enforce_file_format=True), *LIMITS)
    if not little:
        film.PixelData = np.frombuffer(film.PixelData, "<u2").astype(">u2").tobytes()
    film.file_meta, film.preamble = pydicom.dataset.FileMetaDataset(), None
    bare = as_file(film, implicit_vr=implicit, little_endian=little, enforce_file_format=False)
    assert bare[:2] == (b"\x08\0" if little else b"\0\x08")
    assert np.array_equal(grey_levels(bare, *LIMITS), shown)


def as_file(film: pydicom.Dataset, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, film, **options)
    return buffer.getvalue()


def test_what_says_nothing_of_itself_is_damage() -> None:
    with pytest.raises(CorruptDicom, match="neither Modality nor SOPClassUID"):
        grey_levels(dicom(Modality=None).replace(b"\x08\0\x16\0UI", b"\x08\0\x17\0UI"), *LIMITS)
    assert grey_levels(dicom().replace(b"\x08\0\x16\0UI", b"\x08\0\x17\0UI"), *LIMITS).shape == grey_ramp().shape


PALETTES = {
    f"{colour}PaletteColorLookupTable{part}": value
    for colour in ("Red", "Green", "Blue")
    for part, value in (("Descriptor", [256, 0, 16]), ("Data", np.arange(65_535, -1, -256, "<u2").tobytes()))
}
REFUSED = {
    "ct": (dicom(Modality="CT"), WrongModality),
    "no modality": (dicom(Modality=None), WrongModality),
    "hip": (dicom(BodyPartExamined="HIP"), WrongBodyPart),
    "lateral": (dicom(ViewPosition="LL"), WrongBodyPart),
    "frames": (dicom(NumberOfFrames=2, PixelData=grey_ramp().tobytes() * 2), MultiFrameDicom),
    "palette": (dicom(PhotometricInterpretation="PALETTE COLOR", **PALETTES), UnsupportedFormat),
    "palette without its tables": (dicom(PhotometricInterpretation="PALETTE COLOR"), UnsupportedFormat),
    "too many pixels": (dicom(Rows=20_000, Columns=20_000), TooManyPixels),
    "too few bytes": (dicom(PixelData=b"\0\0"), CorruptDicom),
    "no pixels": (dicom(PixelData=None), CorruptDicom),
    "mark alone": (bytes(128) + b"DICM", CorruptDicom),
}


@pytest.mark.parametrize(("content", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_one_chest_film_is_refused_by_name(content: bytes, error: type[CxrError]) -> None:
    with pytest.raises(error):
        grey_levels(content, *LIMITS)


@pytest.mark.parametrize(
    ("syntax", "named"),
    [
        (b"1.2.826.0.1.3680043\0", "1.2.826.0.1.3680043"),
        (b"1.2.840.10008.1.2.4.100\0", "MPEG2"),
        (b"A^B", "unreadable"),
    ],
)
def test_an_unreadable_compression_is_named(syntax: bytes, named: str) -> None:
    content = dicom()
    said = b"UI\x14\x001.2.840.10008.1.2.1\0"
    assert said in content
    foreign = content.replace(said, b"UI" + len(syntax).to_bytes(2, "little") + syntax)
    group_length = content.index(b"UL\x04\0") + 4
    longer = int.from_bytes(content[group_length : group_length + 4], "little") + len(syntax) - 20
    foreign = foreign[:group_length] + longer.to_bytes(4, "little") + foreign[group_length + 4 :]
    with pytest.raises(UnsupportedTransferSyntax, match=named):
        grey_levels(foreign, *LIMITS)


@pytest.mark.parametrize("start", [b"\2\0\0\0", b"\2\0\1\0", b"\2\0\x10\0", b"\x08\0\5\0", b"\x08\0\x16\0"])
def test_without_its_mark_a_file_is_known_by_its_first_group(start: bytes) -> None:
    assert looks_like_dicom(start + bytes(20))


@pytest.mark.parametrize(
    "start", [b"\2\0\2\0", b"\x08\1\5\0", b"\x08\0\5\1", b"\x09\0\5\0", b"\xff\xd8\xff\0", b"ab\0\0", b""]
)
def test_what_begins_otherwise_is_no_dicom_file(start: bytes) -> None:
    assert not looks_like_dicom(start + bytes(20) if start else b"")


def test_a_dicom_film_becomes_the_tensor_of_its_grey_levels() -> None:
    from tests.files import png

    assert np.array_equal(preprocess(dicom()), preprocess(png()))


def test_logs_repeat_nothing_of_a_file() -> None:
    """pydicom warns of values it does not like by repeating them."""
    code = (
        "from cxr.telemetry import configure_logging; configure_logging('test')\n"
        "from cxr.dicom import grey_levels; from tests.files import dicom\n"
        "grey_levels(dicom().replace(b'1.2.840.10008.1.2.1\\0', b'1.2.SECRET008.1.2.1\\0'), 10**6, 10**6)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "UnsupportedTransferSyntax" in done.stderr
    assert "SECRET" not in done.stderr
