"""From file bytes to the tensor: what comes out, and what is refused with which code."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from cxr.errors import CorruptImage, CxrError, EmptyFile, FileTooLarge, TooFewPixels, TooManyPixels, UnsupportedFormat
from cxr.imaging import IMAGE_SIZE_PX, Limits, decode, preprocess
from tests.files import grey_ramp, jpeg, png, png_header_of


@pytest.mark.parametrize("content", [png(), jpeg(), jpeg(progressive=True)], ids=["png", "jpeg", "progressive"])
def test_every_format_becomes_the_same_tensor(content: bytes) -> None:
    film = preprocess(content)
    assert film.shape == (1, IMAGE_SIZE_PX, IMAGE_SIZE_PX)
    assert film.dtype == np.uint8
    assert np.abs(film.astype(int) - preprocess(png())).mean() < 1.0


def test_the_film_keeps_its_sides_and_its_polarity() -> None:
    film = preprocess(png())[0].astype(int)
    assert film[150, :20].mean() < film[150, -20:].mean()
    assert film[30, 30] == 255


def test_colour_alpha_palette_and_deep_grey_become_grey() -> None:
    grey = grey_ramp()
    plain = preprocess(png()).astype(int)
    colour = np.dstack([grey] * 3)
    opaque = np.dstack([colour, np.full_like(grey, 255)])
    palette = io.BytesIO()
    Image.fromarray(grey).convert("P").save(palette, "PNG")
    deep = grey.astype(np.uint16) * 16
    for content in (png(colour), png(opaque), palette.getvalue()):
        assert np.abs(preprocess(content) - plain).max() <= 1
    stretched = preprocess(png(deep)).astype(int)
    assert np.corrcoef(stretched.ravel(), plain.ravel())[0, 1] > 0.99
    assert stretched.max() == 255


def test_transparent_pixels_are_air() -> None:
    hidden = np.dstack([grey_ramp()] * 3 + [np.zeros_like(grey_ramp())])
    assert preprocess(png(hidden)).max() == 0


def test_exif_orientation_is_followed() -> None:
    upright = Image.fromarray(grey_ramp())
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side: turn by 270 degrees to show
    stored = io.BytesIO()
    upright.rotate(90, expand=True).save(stored, "JPEG", quality=95, exif=exif)
    assert np.abs(preprocess(stored.getvalue()).astype(int) - preprocess(png())).mean() < 2.0


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size() -> None:
    content = jpeg(grey_ramp(2048, 1792))
    assert decode(content).size == (2048, 1792)
    assert decode(content, enough_px=448).size == (512, 448)


REFUSED = {
    "empty": (b"", EmptyFile),
    "text": (b"this is not a film\n" * 100, UnsupportedFormat),
    "html": (b"<!doctype html><html></html>", UnsupportedFormat),
    "gif": (b"GIF89a" + bytes(200), UnsupportedFormat),
    "truncated jpeg": (jpeg()[:2000], CorruptImage),
    "truncated png": (png()[:400], CorruptImage),
    "jpeg mark alone": (b"\xff\xd8\xff", CorruptImage),
    "png mark alone": (b"\x89PNG\r\n\x1a\n", CorruptImage),
    "60 megapixels": (png_header_of(10_000, 6_000), TooManyPixels),
    "200 megapixels": (png_header_of(20_000, 10_000), TooManyPixels),
    "10 gigapixels": (png_header_of(100_000, 100_000), TooManyPixels),
    "an icon": (png(grey_ramp(63, 300)), TooFewPixels),
}


@pytest.mark.parametrize(("content", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_judged_is_refused_by_name(content: bytes, error: type[CxrError]) -> None:
    with pytest.raises(error):
        preprocess(content)


def test_limits_are_the_callers() -> None:
    with pytest.raises(FileTooLarge):
        preprocess(png(), Limits(max_file_bytes=100))
    with pytest.raises(TooManyPixels):
        preprocess(png(), Limits(max_pixels=1000))
    assert preprocess(png(grey_ramp(20, 20)), Limits(min_side_px=10)).shape == (1, IMAGE_SIZE_PX, IMAGE_SIZE_PX)


def test_a_damaged_png_is_refused_wherever_the_damage_is() -> None:
    content = bytearray(png())
    refused = 0
    for position in range(8, len(content), max(1, len(content) // 64)):
        damaged = bytes(content[:position]) + bytes([content[position] ^ 0xFF]) + bytes(content[position + 1 :])
        try:
            preprocess(damaged)
        except CxrError:
            refused += 1
    assert refused > 0
