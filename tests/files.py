"""Files made for tests: synthetic films in every format, and the hostile ones."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

NAME = "MUELLER, HANS 12.03.1987"


def grey_ramp(width: int = 320, height: int = 256) -> NDArray[np.uint8]:
    """[height, width] uint8 with a left-to-right ramp and a bright square, so that mirror and inversion show."""
    ramp = np.tile(np.linspace(20, 200, width, dtype=np.uint8), (height, 1))
    ramp[20:60, 20:60] = 255
    return ramp


def lettered(pixels: NDArray[np.uint8], text: str = NAME, *, height: float = 0.03, below: bool = False) -> NDArray[Any]:
    """The film with text burnt in at its upper or lower border; ``height`` of the letters as a share of the film's."""
    film = Image.fromarray(pixels)
    text_px = int(height * film.height)
    place = (film.width // 50, film.height - 2 * text_px if below else text_px // 2)
    ImageDraw.Draw(film).text(place, text, fill=255, font=ImageFont.load_default(text_px))
    return np.asarray(film)


def encoded(pixels: NDArray[Any], file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, file_format, **options)
    return buffer.getvalue()


def png(pixels: NDArray[Any] | None = None) -> bytes:
    return encoded(grey_ramp() if pixels is None else pixels, "PNG")


def jpeg(pixels: NDArray[Any] | None = None, **options: Any) -> bytes:
    return encoded(grey_ramp() if pixels is None else pixels, "JPEG", **{"quality": 95, **options})


def grey_profile(gamma: float) -> bytes:
    """An ICC profile (ICC.1:2001-04) that gives grey levels this gamma, as some exporters embed one."""

    def fixed(*numbers: float) -> bytes:
        return struct.pack(f">{len(numbers)}i", *(round(number * 65536) for number in numbers))

    white = fixed(0.9642, 1.0, 0.8249)  # D50
    text = b"grey\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78),
        b"cprt": b"text\0\0\0\0" + b"CC0\0",
        b"wtpt": b"XYZ \0\0\0\0" + white,
        b"kTRC": b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)),
    }
    index, content, at = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, tag in tags.items():
        index += struct.pack(">4sII", name, at + len(content), len(tag))
        content += tag + bytes(-len(tag) % 4)
    kinds = struct.pack(">4sI4s4s4s", bytes(4), 0x02100000, b"mntr", b"GRAY", b"XYZ ")
    rest = bytes(12) + b"acsp" + bytes(28) + white
    header = struct.pack(">I", at + len(content)) + kinds + rest
    return header + bytes(128 - len(header)) + index + content


def png_header_of(width: int, height: int) -> bytes:
    """A PNG that claims a size; a few bytes that would unpack to ``width * height`` pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\x00" * (1 + width), 9)

    def part(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", rows) + part(b"IEND", b"")


def dicom(pixels: NDArray[Any] | None = None, **attributes: Any) -> bytes:
    """A DX chest film; ``attributes`` replace or (None) remove what it says of itself."""
    levels = grey_ramp() if pixels is None else pixels
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    modality = attributes.get("Modality", "DX")
    storage = CTImageStorage if modality == "CT" else DigitalXRayImageStorageForPresentation
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = storage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid(entropy_srcs=["film"])
    bits = levels.dtype.itemsize * 8
    values: dict[str, Any] = {
        "Modality": "DX",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "PhotometricInterpretation": "MONOCHROME2",
        "SamplesPerPixel": 1,
        "Rows": levels.shape[0],
        "Columns": levels.shape[1],
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": 0,
        "PixelData": levels.tobytes(),
        **attributes,
    }
    for name, value in values.items():
        if value is not None:
            setattr(dataset, name, value)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
