"""File bytes to the model's uint8 tensor; limits are checked before pixels are decoded.

``preprocess`` is the only way from a file to a tensor: trainer, worker, the raw-bytes Triton model and clients take it.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from cxr.codestreams import has_too_many_scans
from cxr.dicom import grey_levels, looks_like_dicom, remarks_in
from cxr.errors import (
    CorruptImage,
    EmptyFile,
    FileTooLarge,
    TooFewPixels,
    TooManyPixels,
    UnsupportedFormat,
)
from cxr.grey import stretch_to_uint8
from cxr.lettering import is_lettered
from cxr.notes import NoteCode

PREPROCESS_VERSION = "1"
IMAGE_SIZE_PX = 224

JPEG_MARK = b"\xff\xd8\xff"
PNG_MARK = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Limits:
    """What is decoded at all.

    ``max_file_bytes``: of the file, and of what a deflated DICOM file inflates to. ``max_pixels``: Pillow only warns
    from 89 million on; 40 million is more than twice the largest radiography detector (about 17 million, 4288 x 3520
    and alike). ``min_side_px``: below it a film shows no lung texture.
    """

    max_file_bytes: int = 64 * 1024**2
    max_pixels: int = 40_000_000
    min_side_px: int = 64


DEFAULT_LIMITS = Limits()


class Film(NamedTuple):
    """A film as the model takes it, [1, 224, 224] uint8, and what its file says or only its own size shows."""

    tensor: NDArray[np.uint8]
    notes: tuple[NoteCode, ...] = ()


def preprocess(content: bytes, limits: Limits = DEFAULT_LIMITS) -> NDArray[np.uint8]:
    """Turn one JPEG, PNG or DICOM file into the model's input.

    The film is squashed to a square (aspect ratio not kept, as in the training set) by an antialiased bilinear filter.

    Returns:
        [1, 224, 224] uint8, air dark.

    Raises:
        ImageRejected: one of its subclasses, naming what is wrong with the file.
        MemoryError: the file needs more memory than there is, which may not be its fault.
    """
    return _squashed(_enough_of(content, limits))


def examine(content: bytes, limits: Limits = DEFAULT_LIMITS) -> Film:
    """``preprocess``, and what is remarkable of a DICOM file: what it says, and whether text seems to be burnt in.

    A JPEG comes out of its decoder too small for that. Raises what ``preprocess`` raises.
    """
    film = _enough_of(content, limits)
    return Film(_squashed(film), _remarks(content, film, limits) if looks_like_dicom(content) else ())


def decode(content: bytes, limits: Limits = DEFAULT_LIMITS, enough_px: int | None = None) -> Image.Image:
    """Decode one file to an 8-bit grey image.

    With ``enough_px``, a JPEG may come out at 1/2, 1/4 or 1/8 of its size, never with a side below ``enough_px``
    (libjpeg then skips most of the work).

    Raises:
        ImageRejected: one of its subclasses.
    """
    if not content:
        raise EmptyFile
    if len(content) > limits.max_file_bytes:
        raise FileTooLarge(f"{len(content)} bytes, at most {limits.max_file_bytes}")
    if content.startswith(JPEG_MARK) and has_too_many_scans(content):
        raise CorruptImage("too many scans")
    if content.startswith((JPEG_MARK, PNG_MARK)):
        return _decode_jpeg_or_png(content, limits, enough_px)
    if looks_like_dicom(content):
        film = Image.fromarray(grey_levels(content, limits.max_pixels, limits.max_file_bytes))
        _check_size(film.size, limits)
        return film
    raise UnsupportedFormat


def _remarks(content: bytes, film: Image.Image, limits: Limits) -> tuple[NoteCode, ...]:
    said = remarks_in(content, limits.max_file_bytes)
    return (*said, NoteCode.BURNT_IN_TEXT_SEEN) if is_lettered(film) else said


def _enough_of(content: bytes, limits: Limits) -> Image.Image:
    return decode(content, limits, enough_px=2 * IMAGE_SIZE_PX)


def _squashed(film: Image.Image) -> NDArray[np.uint8]:
    square = film.resize((IMAGE_SIZE_PX, IMAGE_SIZE_PX), Image.Resampling.BILINEAR)
    return np.asarray(square, np.uint8)[np.newaxis]


def _decode_jpeg_or_png(content: bytes, limits: Limits, enough_px: int | None) -> Image.Image:
    try:
        image = _opened(content)
        _check_size(image.size, limits)
        if image.format == "PNG":
            image.verify()  # its checksums: ``load`` passes over them, and shows what damage left out as black
            image = _opened(content)
        if enough_px is not None:
            image.draft("L", (enough_px, enough_px))
        image.decodermaxblock = len(content)  # in one piece: the bytes are in memory already
        image.load()
        ImageOps.exif_transpose(image, in_place=True)  # without a copy of an upright film
        return _grey(image)
    except (TooManyPixels, TooFewPixels, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise TooManyPixels from error
    except Exception as error:  # a decoder's fault on a foreign file, of whatever type, means damage
        raise CorruptImage from error


def _opened(content: bytes) -> ImageFile.ImageFile:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower, and checked
        return Image.open(io.BytesIO(content), formats=("JPEG", "PNG"))


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise TooManyPixels(f"{width} x {height}, at most {limits.max_pixels / 1e6:.0f} million")
    if min(size) < limits.min_side_px:
        raise TooFewPixels(f"{width} x {height}, at least {limits.min_side_px} on each side")


def _grey(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray(stretch_to_uint8(np.asarray(image)))
    if image.mode in ("LA", "RGBA") or "transparency" in image.info:
        opaque = Image.new("RGBA", image.size, "black")
        opaque.alpha_composite(image.convert("RGBA"))
        image = opaque
    return image if image.mode == "L" else image.convert("L")
