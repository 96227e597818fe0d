"""The kept file holds no word of the patient, wherever the sender put it."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import DigitalXRayImageStorageForPresentation, SecondaryCaptureImageStorage

from cxr.deflated import inflated
from cxr.dicom.admission import admit
from cxr.errors import CorruptDicom, FileTooLarge, ImageRejected, UnsupportedFormat, WrongModality
from cxr.imaging import DEFAULT_LIMITS, preprocess
from tests.dicom_syntaxes import deflated, every_syntax
from tests.files import dicom, grey_ramp

LIMITS = DEFAULT_LIMITS.max_pixels, DEFAULT_LIMITS.max_file_bytes
WORD = "SECRET"
# What a value representation can hold of our word (PS3.5 6.2).
WORDED = {
    **dict.fromkeys(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"), WORD),
    **dict.fromkeys(("OB", "OW", "UN"), WORD.encode()),
    **dict.fromkeys(("DS", "IS"), "73"),
    "AS": "042Y",
    "DA": "19730401",
    "DT": "19730401121314",
    "TM": "121314",
    "UI": "1.2.826.7.7.7",
    "UR": f"https://{WORD}",
}
TRACES = (WORD.encode(), b"19730401", b"042Y", b"1.2.826.7.7.7")


def profile_tags() -> Iterator[BaseTag]:
    """Every attribute of PS3.15 table E.1-1 (edition 2024b, as dicomanonymizer carries it), one of each range."""
    for tags in dicom_anonymization_database_selector("dicomfields_2024b").values():
        for group, element, *_ in tags:
            yield Tag(group, element)


def with_everything() -> bytes:
    """A film with all that the profile names, at the top and inside sequences, and with private attributes."""
    dataset = pydicom.dcmread(io.BytesIO(dicom(StudyInstanceUID="1.2.826.7.7.7", SeriesInstanceUID="1.2.826.7.7.7")))
    dataset.SOPInstanceUID = "1.2.826.7.7.7"
    nested = Dataset()
    for tag in profile_tags():
        vr = dictionary_VR(tag) if pydicom.datadict.dictionary_has_tag(tag) else "LO"
        if vr in WORDED and tag.group > 0x0007:
            for target in (dataset, nested):
                target.add(DataElement(tag, vr, WORDED[vr]))
    private = dataset.private_block(0x0009, f"{WORD} CREATOR", create=True)
    private.add_new(0x01, "LO", WORD)
    private.add_new(0x02, "SQ", Sequence([nested]))
    dataset.RequestAttributesSequence = Sequence([nested])
    table = Dataset()
    table.LUTDescriptor, table.LUTData, table.LUTExplanation = [256, 0, 16], np.arange(256, dtype="<u2").tobytes(), WORD
    table["LUTDescriptor"].VR = "US"
    table["LUTData"].VR = "OW"
    table.PatientName = WORD
    dataset.VOILUTSequence = Sequence([table])
    dataset.add(DataElement(0x60000022, "LO", WORD))  # an overlay's description
    dataset.add(DataElement(0xFFFCFFFC, "OB", WORD.encode()))
    dataset.preamble = WORD.encode().ljust(128, b"\0")
    dataset.file_meta.SourceApplicationEntityTitle = WORD
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.826.7.7.7"
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue() + WORD.encode()


def test_nothing_that_the_profile_names_is_kept() -> None:
    content = with_everything()
    assert content.count(WORD.encode()) > 300
    kept = admit(content, *LIMITS).content
    assert [trace for trace in TRACES if trace in kept] == []
    assert np.array_equal(preprocess(kept), preprocess(content))


def test_a_table_of_grey_levels_is_kept_and_shows_the_film() -> None:
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [256, 0, 16], np.arange(255, -1, -1, dtype="<u2").tobytes()
    table["LUTDescriptor"].VR, table["LUTData"].VR = "US", "OW"
    content = dicom(VOILUTSequence=Sequence([table]))
    turned_round = np.corrcoef(preprocess(content).ravel(), preprocess(dicom()).ravel())[0, 1]
    assert turned_round == pytest.approx(-1, abs=1e-3)
    assert np.array_equal(preprocess(admit(content, *LIMITS).content), preprocess(content))


@pytest.mark.parametrize("said", ["", "1.2.840.10008.1.2.1", "1.2.3", "text"])
def test_what_is_kept_has_a_class_of_film_whatever_was_said(said: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = dicom(SOPClassUID=said)
    kept = pydicom.dcmread(io.BytesIO(admit(content, *LIMITS).content))
    assert kept.SOPClassUID == SecondaryCaptureImageStorage
    named = pydicom.dcmread(io.BytesIO(admit(dicom(), *LIMITS).content))
    assert named.SOPClassUID == DigitalXRayImageStorageForPresentation
    for file in (kept, named):
        assert file.file_meta.MediaStorageSOPClassUID == file.SOPClassUID
        assert file.file_meta.MediaStorageSOPInstanceUID == file.SOPInstanceUID


def test_the_kept_file_says_that_identity_was_removed() -> None:
    kept = pydicom.dcmread(io.BytesIO(admit(dicom(PatientName="A^B"), *LIMITS).content))
    assert kept.PatientIdentityRemoved == "YES"
    assert kept.LongitudinalTemporalInformationModified == "REMOVED"
    assert kept.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert "PatientName" not in kept


def test_every_syntax_keeps_its_pixels() -> None:
    for name, content in every_syntax():
        kept = admit(content, *LIMITS).content
        assert np.array_equal(preprocess(kept), preprocess(content)), name
        assert admit(kept, *LIMITS).content == kept, name


def test_what_is_refused_is_refused_at_the_door() -> None:
    with pytest.raises(WrongModality):
        admit(dicom(Modality="CT"), *LIMITS)
    with pytest.raises(UnsupportedFormat, match=r"send it in grey levels"):
        admit(dicom(PhotometricInterpretation="PALETTE COLOR"), *LIMITS)


def test_a_deflated_film_inflates_to_no_more_than_is_asked_for() -> None:
    max_pixels, _ = LIMITS
    content = deflated(dicom(np.zeros((1000, 1000), np.uint8)))
    plain = inflated(content, 10**7)
    assert plain is not None
    assert len(content) < len(plain) / 100
    assert len(admit(content, max_pixels, len(plain)).content) > 1_000_000
    with pytest.raises(FileTooLarge, match=f"inflates to more than {len(plain) - 1} bytes"):
        admit(content, max_pixels, len(plain) - 1)


def test_text_in_the_place_of_a_number_is_refused() -> None:
    content = dicom(WindowCenter=1600, WindowWidth=1600)
    worded = content.replace(b"\x28\x00\x50\x10DS\x06\x001600.0", b"\x28\x00\x50\x10LO\x06\x00JANE D")
    assert worded != content
    with pytest.raises(CorruptDicom, match="WindowCenter of type LO"):
        admit(worded, *LIMITS)


def test_a_header_of_millions_of_attributes_is_refused() -> None:
    """Inside one sequence of undefined length, which pydicom reads whole even where it is not wanted."""
    content = dicom()
    at = content.index(b"\x28\x00\x02\x00US")
    attribute = b"".join(struct.pack("<HH2sH", 0x0009, number, b"LO", 0) for number in range(0x1000, 0x2000))
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + attribute + b"\xfe\xff\x0d\xe0\0\0\0\0"
    sequence = b"\x1f\x00\x01\x10SQ\0\0\xff\xff\xff\xff" + item * 20 + b"\xfe\xff\xdd\xe0\0\0\0\0"
    with pytest.raises(CorruptDicom, match="attributes"):
        admit(content[:at] + sequence + content[at:], *LIMITS)


AGES = {
    "years": ({"PatientAge": "003Y"}, False),
    "months": ({"PatientAge": "018M"}, False),
    "a baby in weeks": ({"PatientAge": "010W"}, True),
    "five and three quarters": ({"PatientBirthDate": "20200101", "StudyDate": "20251001"}, False),
    "six": ({"PatientBirthDate": "20190101", "StudyDate": "20250201"}, True),
    "unknown": ({}, False),
    "born after the study": ({"PatientBirthDate": "20260101", "StudyDate": "20250201"}, False),
}


@pytest.mark.parametrize(("said", "marked"), AGES.values(), ids=AGES.keys())
def test_an_age_outside_the_validated_range_is_remarked(said: dict[str, str], marked: bool) -> None:
    admission = admit(dicom(**said), *LIMITS)
    assert [note.code for note in admission.notes] == ["age_outside_validated_range"] * marked
    assert admission.content == admit(dicom(), *LIMITS).content


def test_an_age_without_a_unit_is_taken_for_years() -> None:
    content = dicom(PatientAge="062Y").replace(b"062Y", b"62  ")
    assert [note.code for note in admit(content, *LIMITS).notes] == ["age_outside_validated_range"]


def test_declared_burnt_in_text_is_remarked() -> None:
    assert [note.code for note in admit(dicom(BurnedInAnnotation="YES"), *LIMITS).notes] == ["burnt_in_text_declared"]


def test_the_original_instance_is_referenced_only_when_fully_named() -> None:
    named = admit(dicom(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4"), *LIMITS).reference
    assert named is not None
    assert (named.study_uid, named.series_uid) == ("1.2.3", "1.2.3.4")
    assert admit(dicom(StudyInstanceUID="1.2.3"), *LIMITS).reference is None
    worded = dicom(StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.3.4").replace(b"1.2.3\0", b"../../")
    assert admit(worded, *LIMITS).reference is None


# The answer of every sample: None where it is a chest film that the model may judge.
SAMPLES = {
    "cxr/Fake_MONOHR1.dcm": None,
    "cxr/RG1_J2KR.dcm": None,
    "cxr/RG1_UNCI.dcm": None,
    "cxr/c64d5667-a776-4f95-9e21-bfabafb07740.dcm": None,
    "cxr/fodicom_CR-MONO1-10-chest_nopreamble.dcm": None,
    "cxr/gdcm-CR-MONO1-10-chest.dcm": None,
    "cxr/nih_nhsx_1.3.6.1.4.1.11129.dcm": None,
    "cxr/spoksonat_cxr_jpll_mono1.dcm": None,
    "malformed/MR_truncated.dcm": "wrong_modality",
    "malformed/badVR.dcm": "wrong_modality",
    "malformed/html_page_saved_as.dcm": "unsupported_format",
    "malformed/meta_missing_tsyntax.dcm": "corrupt_dicom",
    "malformed/nested_priv_SQ.dcm": "corrupt_dicom",
    "malformed/no_meta.dcm": "unsupported_format",
    "other_body_part/CR-ModalitySequenceLUT.dcm": None,  # says nothing of its body part: the model's to refuse
    "other_body_part/RG3_J2KR.dcm": "wrong_body_part",
    "other_modality/CT_small.dcm": "wrong_modality",
    "other_modality/MR_small.dcm": "wrong_modality",
    "other_modality/MR_small_RLE.dcm": "wrong_modality",
    "other_modality/SC_rgb_jpeg_dcmtk.dcm": "wrong_modality",
    "other_modality/gdcm-US-RGB-8-epicard.dcm": "wrong_modality",
    "other_modality/rtplan.dcm": "wrong_modality",
    "other_modality/test-SR.dcm": "wrong_modality",
}


def test_the_table_names_every_sample(data: Path) -> None:
    found = {str(path.relative_to(data / "dicom")) for path in (data / "dicom").glob("*/*")}
    assert found == set(SAMPLES)


@pytest.mark.parametrize(("name", "code"), SAMPLES.items())
def test_every_sample_becomes_a_tensor_or_its_refusal(data: Path, name: str, code: str | None) -> None:
    content = (data / "dicom" / name).read_bytes()
    if code is None:
        kept = admit(content, *LIMITS).content
        assert np.array_equal(preprocess(kept), preprocess(content))
        patient = str(pydicom.dcmread(io.BytesIO(content), force=True, stop_before_pixels=True).get("PatientName", ""))
        assert not patient or patient.encode() not in kept
    else:
        with pytest.raises(ImageRejected) as refusal:
            preprocess(content)
        assert refusal.value.code == code


def test_kept_films_are_small() -> None:
    assert grey_ramp().nbytes < len(admit(dicom(), *LIMITS).content) < grey_ramp().nbytes + 1000
