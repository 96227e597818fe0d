"""From file bytes to the tensor: what comes out, and what is refused with which code."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cxr.errors import CorruptImage, CxrError, EmptyFile, FileTooLarge, TooFewPixels, TooManyPixels, UnsupportedFormat
from cxr.imaging import IMAGE_SIZE_PX, Limits, decode, examine, preprocess
from tests.files import dicom, grey_ramp, jpeg, png, png_header_of


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


def saved(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def test_transparent_pixels_are_air() -> None:
    grey = Image.fromarray(np.full((256, 320), 200, np.uint8))
    clear = Image.new("L", grey.size, 0)
    for bands in ((grey, clear), (grey, grey, grey, clear)):
        assert preprocess(saved(Image.merge("LA" if len(bands) == 2 else "RGBA", bands))).max() == 0
    assert preprocess(saved(grey, transparency=200)).max() == 0
    palette = Image.fromarray(np.where(grey_ramp() > 100, 7, 3).astype(np.uint8)).convert("P")
    palette.putpalette([value for level in range(256) for value in (level * 20 % 256,) * 3])
    shown = preprocess(saved(palette, transparency=7))
    assert (shown.max(), shown[0, 112, 2]) == (60, 60)
    assert shown[0, 112, 222] == 0


def test_half_transparent_pixels_are_half_as_bright() -> None:
    film = Image.merge("LA", (Image.new("L", (256, 256), 200), Image.new("L", (256, 256), 128)))
    assert set(preprocess(saved(film)).ravel()) == {100}


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


def test_no_more_of_a_jpeg_is_decoded_than_the_tensor_needs() -> None:
    film = grey_ramp(2048, 1792)
    film[::2] = 255 - film[::2]  # lines that a decoder at a fraction of the size never sees one by one
    whole = decode(jpeg(film)).resize((IMAGE_SIZE_PX, IMAGE_SIZE_PX), Image.Resampling.BILINEAR)
    less = decode(jpeg(film), enough_px=2 * IMAGE_SIZE_PX).resize((IMAGE_SIZE_PX,) * 2, Image.Resampling.BILINEAR)
    assert not np.array_equal(whole, less)
    assert np.array_equal(preprocess(jpeg(film))[0], less)
    assert np.array_equal(examine(jpeg(film)).tensor, preprocess(jpeg(film)))
    assert decode(jpeg(np.dstack([film] * 3)), enough_px=448).size == (512, 448)


@pytest.mark.parametrize(
    ("content", "limits", "detail"),
    [
        (png(), Limits(max_file_bytes=100), f"{len(png())} bytes, at most 100"),
        (png_header_of(10_000, 6_000), Limits(), "10000 x 6000, at most 40 million"),
        (png(grey_ramp(63, 300)), Limits(), "63 x 300, at least 64 on each side"),
    ],
)
def test_a_refusal_says_how_much_is_too_much(content: bytes, limits: Limits, detail: str) -> None:
    with pytest.raises(CxrError) as refusal:
        preprocess(content, limits)
    assert refusal.value.detail == detail


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
    "100 megapixels, of which Pillow warns": (png_header_of(10_000, 10_000), TooManyPixels),
    "200 megapixels": (png_header_of(20_000, 10_000), TooManyPixels),
    "10 gigapixels": (png_header_of(100_000, 100_000), TooManyPixels),
    "an icon": (png(grey_ramp(63, 300)), TooFewPixels),
    "a strip": (png(grey_ramp(300, 63)), TooFewPixels),
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
    with pytest.raises(TooManyPixels):
        preprocess(dicom(), Limits(max_pixels=1000))
    with pytest.raises(TooFewPixels):
        preprocess(dicom(), Limits(min_side_px=257))
    exactly = Limits(max_file_bytes=len(png()), max_pixels=320 * 256, min_side_px=256)
    assert np.array_equal(preprocess(png(), exactly), preprocess(png()))
    assert preprocess(png(grey_ramp(20, 20)), Limits(min_side_px=10)).shape == (1, IMAGE_SIZE_PX, IMAGE_SIZE_PX)


def test_a_damaged_png_is_refused_wherever_the_damage_is() -> None:
    content = png()
    accepted = []
    for position in range(8, len(content) - 12, max(1, len(content) // 64)):  # the last 12 bytes end the file
        damaged = content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :]
        with suppress(CxrError):
            accepted.append((position, preprocess(damaged)))
    assert accepted == []
