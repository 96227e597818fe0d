"""A film as DICOM in every transfer syntax that can be written here (PS3.5 section 10)."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import gdcm
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from tests.files import dicom, encoded, grey_ramp

BY_GDCM = (
    RLELossless,
    JPEGBaseline8Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    JPEG2000Lossless,
    JPEG2000,
)
# A window and a rescale, so that those code paths are met too.
DISPLAY = {"WindowCenter": 1600, "WindowWidth": 1600, "RescaleSlope": 1, "RescaleIntercept": 0}


LOSSY = (JPEGBaseline8Bit, JPEGLSNearLossless, JPEG2000)


def every_syntax(film: NDArray[np.uint8] | None = None) -> Iterator[tuple[str, bytes]]:
    """Name and file of a film, the synthetic one unless told: 8 bits, and 12 bits in 16 where the syntax has them."""
    shallow = grey_ramp() if film is None else film
    deep = shallow.astype(np.uint16) * 16
    for bits, pixels in (("8", shallow), ("16", deep)):
        plain = _plain(pixels)
        yield f"Explicit little endian {bits}", plain
        for syntax in (ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian):
            yield f"{syntax.name} {bits}", _rewritten(plain, syntax)
        for syntax in BY_GDCM:
            if bits == "8" or syntax != JPEGBaseline8Bit:
                yield f"{syntax.name} {bits}", _compressed(plain, syntax)
    yield (
        "JPEG Baseline by Pillow",
        _encapsulated(_plain(shallow), encoded(shallow, "JPEG", quality=90), JPEGBaseline8Bit),
    )
    yield "JPEG 2000 by Pillow", _encapsulated(_plain(shallow), encoded(shallow, "JPEG2000"), JPEG2000Lossless)
    yield "no preamble", _plain(shallow)[132:]


def deflated(content: bytes) -> bytes:
    """A DICOM film in the deflated syntax: even grey levels become a thousandth of it (PS3.5 A.5)."""
    return _rewritten(content, DeflatedExplicitVRLittleEndian)


def _plain(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    return dicom(pixels) if pixels.dtype == np.uint8 else dicom(pixels, BitsStored=12, HighBit=11, **DISPLAY)


def _rewritten(content: bytes, syntax: UID) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(content))
    if syntax == ExplicitVRBigEndian and dataset.BitsAllocated == 16:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").byteswap().tobytes()
    dataset.file_meta.TransferSyntaxUID = syntax
    buffer = io.BytesIO()
    pydicom.dcmwrite(
        buffer,
        dataset,
        implicit_vr=syntax.is_implicit_VR,
        little_endian=syntax.is_little_endian,
        enforce_file_format=True,
    )
    return buffer.getvalue()


def _encapsulated(plain: bytes, codestream: bytes, syntax: UID) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(plain))
    dataset.PixelData = encapsulate([codestream])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = syntax
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _compressed(plain: bytes, syntax: UID) -> bytes:
    """Compressed by gdcm, which reads and writes named files only; the file around the frame stays our own."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = str(Path(folder, "plain.dcm")), str(Path(folder, "compressed.dcm"))
        Path(source).write_bytes(plain)
        reader = gdcm.ImageReader()
        reader.SetFileName(source)
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(syntax)))
        change.SetInput(reader.GetImage())
        assert change.Change(), f"gdcm cannot write {syntax.name}"
        writer = gdcm.ImageWriter()
        writer.SetFileName(target)
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return _encapsulated(plain, get_frame(pydicom.dcmread(target).PixelData, 0, number_of_frames=1), syntax)
