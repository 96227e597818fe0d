"""A film's pixels as the grey levels that a viewer would show: air dark, bone bright.

The display pipeline is PS3.4 N.2's: modality LUT or rescale, then the file's VOI LUT or window, then MONOCHROME1 turned
round. A VOI is applied wherever the file brings one, since it is how the modality or the radiographer meant the film to
be seen, and the training films were exported as seen. Of several, the first: the file's order is its preference (PS3.3
C.11.2.1.2). Where there is none, 8-bit films are taken as they are and deeper ones stretched. Nothing here depends on
anything but the file, so a film is the same tensor in training and in serving.
"""

from __future__ import annotations

import warnings

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import get_frame
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import JPEG2000, JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

from cxr.codestreams import frame_header
from cxr.dicom.reading import read
from cxr.dicom.refusals import readable_syntax, refuse_what_is_not_one_chest_film
from cxr.errors import CorruptDicom, ImageRejected
from cxr.grey import stretch_to_uint8, to_uint8

# Two decoders give the same pixels for these; gdcm aborts the process on damage that Pillow reports.
READ_BY_PILLOW = frozenset({JPEGBaseline8Bit, JPEG2000, JPEG2000Lossless})


def grey_levels(content: bytes, max_pixels: int, max_bytes: int) -> NDArray[np.uint8]:
    """Read one chest film: file bytes in, [rows, columns] uint8 out, air dark and bone bright.

    Raises:
        CorruptDicom, WrongModality, WrongBodyPart, MultiFrameDicom, TooManyPixels, UnsupportedTransferSyntax,
        UnsupportedFormat (palette colours), FileTooLarge (deflated, and inflates to more than ``max_bytes``).
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns on every small deviation; what matters is checked
        dataset = read(content, max_bytes)
        try:
            refuse_what_is_not_one_chest_film(dataset, max_pixels)
            return _display(dataset)
        except (ImageRejected, MemoryError):
            raise
        except Exception as error:  # any other fault of a foreign file is damage
            raise CorruptDicom(type(error).__name__) from error


def _display(dataset: pydicom.Dataset) -> NDArray[np.uint8]:
    stored = _stored_pixels(dataset)
    if stored.ndim == 3:
        stored = stored.mean(axis=2)
    levels = apply_modality_lut(stored, dataset)
    if _has_window(dataset):
        shown = apply_voi_lut(levels, dataset)
        grey = to_uint8(shown, float(shown.min()), float(shown.max()))
    elif int(dataset.BitsStored) <= 8:
        grey = to_uint8(levels, 0, 255)
    else:
        grey = stretch_to_uint8(levels)
    return 255 - grey if dataset.get("PhotometricInterpretation") == "MONOCHROME1" else grey


def _has_window(dataset: pydicom.Dataset) -> bool:
    if "VOILUTSequence" in dataset:
        return True
    width = dataset.get("WindowWidth")
    widths = width if isinstance(width, pydicom.multival.MultiValue) else [width]
    return dataset.get("WindowCenter") is not None and any(w is not None and float(w) > 1 for w in widths)


def _stored_pixels(dataset: pydicom.Dataset) -> NDArray[np.generic]:
    """The pixels as stored, decompressed: [rows, columns], or [rows, columns, 3]."""
    syntax = readable_syntax(dataset)
    if syntax.is_encapsulated and syntax != RLELossless:
        _check_frame(dataset)
    if syntax in READ_BY_PILLOW:
        dataset.pixel_array_options(decoding_plugin="pillow")
    return dataset.pixel_array


def _check_frame(dataset: pydicom.Dataset) -> None:
    """Raises ``CorruptDicom`` when the compressed frame is not what the file says, ``ValueError`` for damage."""
    frame = frame_header(get_frame(dataset.PixelData, 0, number_of_frames=1))
    if frame is None:
        raise CorruptDicom("no compressed frame")
    if (frame.rows, frame.columns, frame.samples) != (dataset.Rows, dataset.Columns, dataset.SamplesPerPixel):
        raise CorruptDicom("the compressed frame has another size")
    if frame.bits > dataset.BitsAllocated:
        raise CorruptDicom("the compressed frame has more bits")
