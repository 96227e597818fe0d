"""Every DICOM sample at hand goes through the whole stack and ends as the right finding or the right refusal."""

from __future__ import annotations

from pathlib import Path

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cxr.imaging import decode
from cxr.schemas import Prediction, Rejection
from tests.dicom_syntaxes import LOSSY, every_syntax
from tests.files import dicom, lettered
from tests.stack import Stack

JUDGED = "judged"
# Fake_MONOHR1 says MONOCHROME1 of a film that is not inverted, so it is shown with white lungs; the hip film in
# CR-ModalitySequenceLUT names no body part. Nothing but the pixels tells.
# no_meta starts with a blank.
ENDS = {
    "cxr": JUDGED,
    "cxr/Fake_MONOHR1.dcm": "inverted_film",
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
    return dict(zip(paths, answers(stack, {path.name: path.read_bytes() for path in paths}), strict=True))


def answers(stack: Stack, films: dict[str, bytes]) -> list[Prediction | Rejection]:
    """What a job of these files gives, sent as a user sends them."""
    files = [("files", film) for film in films.items()]
    job = httpx.post(f"{stack.gateway_url}/v1/jobs", files=files, timeout=120).raise_for_status().json()
    return stack.results(job["id"], timeout_s=120)


@pytest.fixture(scope="module")
def pixels(data: Path) -> NDArray[np.uint8]:
    """A real chest film, [512, 512]."""
    [path] = (data / "dicom" / "cxr").glob("nih_nhsx_*.dcm")
    return np.asarray(decode(path.read_bytes()).resize((512, 512), Image.Resampling.LANCZOS))


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


def test_a_film_is_judged_alike_in_every_transfer_syntax(stack: Stack, pixels: NDArray[np.uint8]) -> None:
    """RLE, JPEG-LS and the others that no sample at hand is compressed with: the very same answer without loss."""
    films = dict(every_syntax(pixels))
    found = dict(zip(films, answers(stack, films), strict=True))
    refused = [name for name, answer in found.items() if not isinstance(answer, Prediction)]
    assert [name for name in refused if not name.endswith(" 16")] == []  # the window of the deep ones is a harsh one
    for bits in ("8", "16"):
        lossy = {f"{syntax.name} {bits}" for syntax in LOSSY}
        exact = {name for name in found if name.endswith(f" {bits}")} - lossy
        assert {f"RLE Lossless {bits}", f"JPEG-LS Lossless Image Compression {bits}"} <= exact
        assert len({found[name].model_dump_json() for name in exact}) == 1


def test_text_burnt_into_a_film_is_a_note_of_its_finding(stack: Stack, pixels: NDArray[np.uint8]) -> None:
    films = {"plain.dcm": dicom(pixels), "named.dcm": dicom(lettered(pixels, height=0.04))}
    noted = [
        [note.code for note in answer.notes if note.code.startswith("burnt")]
        if isinstance(answer, Prediction)
        else answer
        for answer in answers(stack, films)
    ]
    assert noted == [[], ["burnt_in_text_seen"]]
