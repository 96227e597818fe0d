"""Grey levels as a viewer shows them (PS3.4 N.2): colour, tables and windows, depths; and what tells a chest film."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from cxr.dicom import grey_levels
from cxr.dicom.ages import age_years, outside_validated_range
from cxr.errors import (
    CorruptDicom,
    CxrError,
    MultiFrameDicom,
    TooManyPixels,
    UnsupportedFormat,
    WrongBodyPart,
    WrongModality,
)
from cxr.imaging import DEFAULT_LIMITS
from tests.files import dicom, grey_ramp

# Files say what the standard does not allow; pydicom warns of it when such a file is made.
pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR")
LIMITS = DEFAULT_LIMITS.max_pixels, DEFAULT_LIMITS.max_file_bytes
DEEP = grey_ramp().astype(np.uint16) * 16  # 320 to 4080


def shown(pixels: NDArray[Any] | None = None, **attributes: Any) -> NDArray[np.uint8]:
    return grey_levels(dicom(pixels, **attributes), *LIMITS)


def test_colour_is_shown_by_the_mean_of_its_samples() -> None:
    ramp = grey_ramp()
    colour = np.dstack([ramp, ramp // 2, np.zeros_like(ramp)])
    film = shown(colour, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    assert np.abs(film.astype(int) - colour.mean(2)).max() <= 0.5


def test_a_table_is_applied_before_any_window() -> None:
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [256, 0, 8], np.arange(255, -1, -1, np.uint16).tobytes()
    turned_round = shown(VOILUTSequence=Sequence([table]), WindowCenter=10, WindowWidth=2)
    assert turned_round.min() == 0
    assert np.corrcoef(turned_round.ravel(), grey_ramp().ravel())[0, 1] == pytest.approx(-1, abs=1e-3)


def test_of_several_windows_the_first_is_the_files_preference() -> None:
    first = shown(DEEP, WindowCenter=1600, WindowWidth=1600)
    assert np.array_equal(shown(DEEP, WindowCenter=[1600, 100], WindowWidth=[1600, 20]), first)
    assert not np.array_equal(shown(DEEP, WindowCenter=[100, 1600], WindowWidth=[20, 1600]), first)


@pytest.mark.parametrize(
    "window", [{"WindowCenter": 1600}, {"WindowWidth": 1600}, {"WindowCenter": 1600, "WindowWidth": 1}]
)
def test_half_a_window_and_an_empty_one_are_none(window: dict[str, int]) -> None:
    assert np.array_equal(shown(DEEP, **window), shown(DEEP))


def test_the_narrowest_window_that_is_one_shows_black_and_white() -> None:
    film = shown(DEEP, WindowCenter=1600, WindowWidth=2)
    assert film.min() == 0
    assert ((film == 0) | (film == 255)).mean() > 0.95


def test_eight_bits_stored_in_sixteen_are_taken_as_they_are_and_nine_stretched() -> None:
    wide = grey_ramp().astype(np.uint16)
    assert np.array_equal(shown(wide, BitsStored=8, HighBit=7), grey_ramp())
    assert not np.array_equal(shown(wide, BitsStored=9, HighBit=8), grey_ramp())


def test_a_rescale_moves_the_levels_before_they_are_shown() -> None:
    film = shown(RescaleSlope=2, RescaleIntercept=-40)
    assert np.array_equal(film, np.clip(grey_ramp().astype(int) * 2 - 40, 0, 255))


ACCEPTED: list[dict[str, Any]] = [
    *({"Modality": modality} for modality in ("CR", "DX", "RG", "dx")),
    *({"BodyPartExamined": part} for part in ("THORAX", "LUNG", "chest", "", None)),
    *({"ViewPosition": view} for view in ("AP", "PA", "", None)),
    {"NumberOfFrames": 1},
]
REFUSED: list[tuple[dict[str, Any], type[CxrError], str]] = [
    ({"Modality": "MG"}, WrongModality, "MG"),
    ({"Modality": None}, WrongModality, "no modality"),
    ({"BodyPartExamined": "HIP"}, WrongBodyPart, "HIP"),
    *(({"ViewPosition": view}, WrongBodyPart, f"view {view}") for view in ("LL", "RL", "LLD", "RLD", "LLO", "RLO")),
    ({"ViewPosition": "lateral"}, WrongBodyPart, "view LATERAL"),
    ({"NumberOfFrames": 2}, MultiFrameDicom, "2 frames"),
    *(
        (
            {"PhotometricInterpretation": said},
            UnsupportedFormat,
            "a DICOM film in PALETTE COLOR; send it in grey levels",
        )
        for said in ("PALETTE COLOR", "palette color ")
    ),
    ({"Rows": 0}, CorruptDicom, "no pixels"),
    ({"Columns": 0}, CorruptDicom, "no pixels"),
    ({"Rows": 6001, "Columns": 7000}, TooManyPixels, "7000 x 6001, at most 40 million"),
    ({"BitsStored": 0}, CorruptDicom, "0 bits of 8"),
    ({"BitsStored": 9}, CorruptDicom, "9 bits of 8"),
    ({"BitsAllocated": 32}, CorruptDicom, "8 bits of 32"),
]


@pytest.mark.parametrize("attributes", ACCEPTED, ids=str)
def test_every_name_of_a_frontal_chest_film_is_known(attributes: dict[str, Any]) -> None:
    assert np.array_equal(shown(**attributes), grey_ramp())


@pytest.mark.parametrize(("attributes", "error", "detail"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_refusal_says_what_the_file_said(attributes: dict[str, Any], error: type[CxrError], detail: str) -> None:
    with pytest.raises(error) as refusal:
        shown(**attributes)
    assert refusal.value.detail == detail


def test_what_is_no_code_is_not_repeated() -> None:
    content = dicom(BodyPartExamined="HIP OF X").replace(b"HIP OF X", b"Hip, J.D")
    with pytest.raises(WrongBodyPart) as refusal:
        grey_levels(content, *LIMITS)
    assert refusal.value.detail == "an unreadable value"


AGES = [
    ({"PatientAge": "001Y"}, 1.0, False),
    ({"PatientAge": "011M"}, 11 / 12, True),
    ({"PatientAge": "012M"}, 1.0, False),
    ({"PatientAge": "365D"}, 365 / 365.25, True),
    ({"PatientAge": "052W"}, 52 * 7 / 365.25, True),
    ({"PatientAge": "006Y"}, 6.0, True),
    ({"PatientAge": "071M"}, 71 / 12, False),
    ({"PatientBirthDate": "20200229", "StudyDate": "20200331"}, 31 / 365.25, True),
    ({"PatientBirthDate": "20200131", "StudyDate": "20210131"}, 366 / 365.25, False),
    ({"PatientAge": "003Y", "PatientBirthDate": "19500101", "StudyDate": "20250101"}, 3.0, False),
    ({"PatientBirthDate": "20200101"}, None, False),
    ({"StudyDate": "20200101"}, None, False),
    ({"PatientBirthDate": "20201341", "StudyDate": "20250101"}, None, False),
]


@pytest.mark.parametrize(("said", "years", "outside"), AGES, ids=lambda value: str(value))
def test_ages_are_read_in_every_unit_and_from_dates(said: dict[str, str], years: float | None, outside: bool) -> None:
    dataset = Dataset()
    dataset.update(said)
    read = age_years(dataset)
    assert read == (None if years is None else pytest.approx(years))
    assert (read is not None and outside_validated_range(read)) is outside
