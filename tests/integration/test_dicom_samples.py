"""Every DICOM sample at hand goes through the whole stack and ends as the right finding or the right refusal."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from cxr.schemas import Prediction, Rejection
from tests.stack import Stack

JUDGED = "judged"
# Fake_MONOHR1 says MONOCHROME1 of a film that is not inverted, so it is shown with white lungs; the hip film in
# CR-ModalitySequenceLUT names no body part. Nothing but the pixels tells, and the model does.
# no_meta starts with a blank.
ENDS = {
    "cxr": JUDGED,
    "cxr/Fake_MONOHR1.dcm": "not_chest_xray",
    "other_body_part/RG3_J2KR.dcm": "wrong_body_part",
    "other_body_part/CR-ModalitySequenceLUT.dcm": "not_chest_xray",
    "other_modality": "wrong_modality",
    "malformed/html_page_saved_as.dcm": "unsupported_format",
    "malformed/badVR.dcm": "wrong_modality",
    "malformed/meta_missing_tsyntax.dcm": "corrupt_dicom",
    "malformed/nested_priv_SQ.dcm": "corrupt_dicom",
    "malformed/no_meta.dcm": "unsupported_format",
    "malformed/MR_truncated.dcm": "wrong_modality",
}


def expected(path: Path, folder: Path) -> str:
    name = path.relative_to(folder).as_posix()
    return ENDS.get(name) or ENDS[name.partition("/")[0]]


@pytest.fixture(scope="module")
def ends(stack: Stack, data: Path) -> dict[Path, Prediction | Rejection]:
    paths = sorted(path for path in (data / "dicom").rglob("*") if path.is_file())
    files = [("files", (path.name, path.read_bytes())) for path in paths]
    job = httpx.post(f"{stack.gateway_url}/v1/jobs", files=files, timeout=120).raise_for_status().json()
    return dict(zip(paths, stack.results(job["id"], timeout_s=120), strict=True))


def test_every_sample_ends_as_it_should(ends: dict[Path, Prediction | Rejection], data: Path) -> None:
    assert len(ends) >= 20
    found = {path.name: JUDGED if isinstance(answer, Prediction) else answer.code for path, answer in ends.items()}
    assert found == {path.name: expected(path, data / "dicom") for path in ends}


def test_an_age_outside_the_validated_range_is_remarked(ends: dict[Path, Prediction | Rejection]) -> None:
    noted = {
        path.name
        for path, answer in ends.items()
        if isinstance(answer, Prediction) and any(note.code == "age_outside_validated_range" for note in answer.notes)
    }
    assert {"RG1_UNCI.dcm", "RG1_J2KR.dcm"} <= noted
    assert "gdcm-CR-MONO1-10-chest.dcm" not in noted  # it says no age
