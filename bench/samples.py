"""Whole files to be damaged: every format and encoding that can be written, and real films where they are at hand."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from tests.dicom_syntaxes import every_syntax
from tests.files import grey_ramp, jpeg, png
from tests.zips import zip_of

DATA = Path(os.environ.get("CXR_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
REAL_FILES = 6  # of each folder: decoding a large film takes a hundred times as long as a synthetic one
MAX_REAL_BYTES = 4 * 1024**2


def samples(file_format: str, data: Path = DATA) -> list[bytes]:
    """Files of ``jpeg``, ``png``, ``dicom`` or ``zip``, in an order that depends on nothing but what is in ``data``."""
    match file_format:
        case "jpeg":
            return _jpegs() + _real(data / "kermany_224", "*.jpeg") + _real(data / "kermany_originals", "*.jpeg", 3)
        case "png":
            return _pngs() + _real(data / "covid_radiography", "*.png")
        case "dicom":
            written = [content for _, content in every_syntax()]
            return written + _real(data / "dicom" / "cxr", "*.dcm") + _real(data / "dicom" / "malformed", "*.dcm")
        case "zip":
            return _zips()
        case _:
            raise ValueError(f"no samples of {file_format}")


def _jpegs() -> list[bytes]:
    grey, colour = grey_ramp(), np.dstack([grey_ramp()] * 3)
    upright = Image.Exif()
    upright[0x0112] = 6
    variants = [
        {},
        {"progressive": True},
        {"optimize": True},
        {"quality": 5},
        {"restart_marker_blocks": 4},
        {"comment": b"x" * 300},
        {"exif": upright},
    ]
    files = [jpeg(grey, **options) for options in variants]
    files += [jpeg(colour, subsampling=subsampling) for subsampling in (0, 1, 2)]
    files.append(jpeg(colour, progressive=True))
    return [*files, _saved(Image.fromarray(grey).convert("CMYK"), "JPEG"), jpeg(grey_ramp(1024, 896))]


def _pngs() -> list[bytes]:
    grey = grey_ramp()
    colour = np.dstack([grey] * 3)
    pictures = [
        Image.fromarray(grey),
        Image.fromarray(grey.astype(np.uint16) * 16),
        Image.fromarray(colour),
        Image.fromarray(np.dstack([colour, grey])),
        Image.fromarray(np.dstack([grey, grey])),
        Image.fromarray(grey).convert("P"),
        Image.fromarray(grey).convert("1"),
    ]
    files = [_saved(picture, "PNG") for picture in pictures]
    text = _saved(pictures[0], "PNG", icc_profile=b"x" * 400, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0")
    return [*files, _saved(pictures[5], "PNG", transparency=0), text, png(grey_ramp(1024, 896))]


def _zips() -> list[bytes]:
    films = {"a.jpeg": jpeg(), "folder/b.png": png(), "c.dcm": next(every_syntax())[1]}
    zips = [zip_of(films, method) for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)]
    many = zip_of({f"{number}.png": png() for number in range(40)})
    inside = zip_of({"inner.zip": zips[0], "d.png": png()})
    return [*zips, many, inside, _zip_with_long_fields()]


def _zip_with_long_fields() -> bytes:
    """A zip with 64-bit sizes, a comment and an entry written to a stream (sizes behind the content)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = b"films" * 20
        with archive.open(zipfile.ZipInfo("long.png"), "w", force_zip64=True) as entry:
            entry.write(png())
        archive.writestr(zipfile.ZipInfo("plain.jpeg"), jpeg())
    return buffer.getvalue()


def _saved(picture: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def _real(folder: Path, pattern: str, count: int = REAL_FILES) -> list[bytes]:
    """Some of a folder's files, evenly spread over their sorted names; none where there is no folder."""
    paths = sorted(path for path in folder.rglob(pattern) if path.stat().st_size <= MAX_REAL_BYTES)
    return [path.read_bytes() for path in paths[:: max(1, len(paths) // count)][:count]]
