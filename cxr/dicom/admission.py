"""The file that is kept: pixels and what displays them, nothing else (docs/decisions/0006-deidentification.md).

An allow-list of attributes, rebuilt value by value, takes the place of the list of what must go in PS3.15 annex E: what
that list does not know yet, private attributes, nested sequences and whatever follows the pixels cannot slip through.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass

import pydicom
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, SecondaryCaptureImageStorage

from cxr.dicom.reading import FILM_ATTRIBUTES, read
from cxr.dicom.refusals import readable_syntax, refuse_what_is_not_one_chest_film
from cxr.dicom.remarks import remarks_of
from cxr.errors import CorruptDicom, ImageRejected
from cxr.schemas import InstanceReference, Note

# Code strings with these attributes may say only this; anything else is left out, whatever it holds.
CODE_STRINGS = {
    "ViewPosition": frozenset({"PA", "AP"}),  # PS3.3 C.8.1.2; lateral views were refused
    "PhotometricInterpretation": frozenset(
        {"MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"}
    ),
    "VOILUTFunction": frozenset({"LINEAR", "LINEAR_EXACT", "SIGMOID"}),  # PS3.3 C.11.2.1.2
    "RescaleType": frozenset({"US", "OD", "HU"}),  # PS3.3 C.11.1.1.2
}
LUT_ATTRIBUTES = ("LUTDescriptor", "LUTData")
LUT_SEQUENCES = frozenset({"ModalityLUTSequence", "VOILUTSequence"})
# PS3.16 CID 7050: Basic Application Confidentiality Profile.
BASIC_PROFILE = ("113100", "DCM", "Basic Application Confidentiality Profile")


@dataclass(frozen=True)
class Admission:
    """A film as it may be kept; which instance it came from, where the file says so properly; what to remark."""

    content: bytes
    reference: InstanceReference | None
    notes: tuple[Note, ...]


def admit(content: bytes, max_pixels: int, max_bytes: int) -> Admission:
    """Take the patient's identity off a DICOM film; pixels are copied as they are, not decoded.

    The same film gives the same bytes; a deflated one is inflated, to ``max_bytes`` at most. Raises what
    ``grey_levels`` raises for a file's attributes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = read(content, max_bytes)
        try:
            refuse_what_is_not_one_chest_film(dataset, max_pixels)
            syntax = readable_syntax(dataset)
            notes = tuple(Note.of(code) for code in remarks_of(dataset))
            return Admission(_written(_kept(dataset), syntax), _reference(dataset), notes)
        except (ImageRejected, MemoryError):
            raise
        except Exception as error:  # any other fault of a foreign file is damage
            raise CorruptDicom(type(error).__name__) from error


def _kept(dataset: pydicom.Dataset) -> Dataset:
    kept = Dataset()
    for name in FILM_ATTRIBUTES:
        if name not in dataset:
            continue
        if name in LUT_SEQUENCES:
            setattr(kept, name, Sequence(_table(item) for item in dataset[name].value))
        elif name not in CODE_STRINGS or str(dataset[name].value).upper() in CODE_STRINGS[name]:
            kept.add(_typed(dataset[name]))
    if not UID(kept.get("SOPClassUID", "")).is_valid or UID(kept.SOPClassUID).type != "SOP Class":
        kept.SOPClassUID = SecondaryCaptureImageStorage
    kept.SOPInstanceUID = _uid_of(kept.PixelData)
    kept.PatientIdentityRemoved = "YES"
    kept.DeidentificationMethodCodeSequence = Sequence([_code(*BASIC_PROFILE)])
    kept.LongitudinalTemporalInformationModified = "REMOVED"
    return kept


def _table(item: pydicom.Dataset) -> Dataset:
    table = Dataset()
    for name in LUT_ATTRIBUTES:
        if name in item:
            table.add(_typed(item[name]))
    return table


def _typed(element: DataElement) -> DataElement:
    """The element, if its value has the type that its attribute must have; text in a number's place is damage."""
    if element.VR not in dictionary_VR(element.tag).split(" or "):
        raise CorruptDicom(f"{keyword_for_tag(element.tag)} of type {element.VR}")
    return element


def _written(kept: Dataset, syntax: UID) -> bytes:
    kept.file_meta = FileMetaDataset()
    kept.file_meta.TransferSyntaxUID = syntax
    kept.file_meta.MediaStorageSOPClassUID = kept.SOPClassUID
    kept.file_meta.MediaStorageSOPInstanceUID = kept.SOPInstanceUID
    buffer = io.BytesIO()
    pydicom.dcmwrite(
        buffer,
        kept,
        implicit_vr=syntax.is_implicit_VR,
        little_endian=syntax.is_little_endian,
        enforce_file_format=True,
    )
    return buffer.getvalue()


def _reference(dataset: pydicom.Dataset) -> InstanceReference | None:
    names = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")
    uids = [UID(str(dataset.get(name) or "")) for name in names]
    if not all(uid and uid.is_valid for uid in uids):
        return None
    sop_class, instance, series, study = (str(uid) for uid in uids)
    return InstanceReference(sop_class_uid=sop_class, instance_uid=instance, series_uid=series, study_uid=study)


def _uid_of(pixels: bytes) -> str:
    """A UID of this project's own making (PS3.5 B.2), from the pixels alone."""
    return f"2.25.{int.from_bytes(hashlib.sha256(pixels).digest()[:16], 'big')}"


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code
