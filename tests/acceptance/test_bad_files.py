"""Whatever is sent, each file becomes one row, the rest of its job finishes, and no process dies."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.files import dicom, jpeg, png, png_header_of
from tests.stack import Stack, wait_until


def zip_of(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/"), content)
    return buffer.getvalue()


def outside_names() -> bytes:
    """A zip whose entries would land outside their folder, and one good film."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("../escape.png", "/absolute.png", "a/../../b.png"):
            archive.writestr(name, png())
        archive.writestr("good.png", png())
    return buffer.getvalue()


# A film made of a ramp is not a chest film, so it may be answered either way; what matters is that it is answered.
JUDGED = {None, "not_chest_xray"}
SENT: dict[str, tuple[bytes, list[set[str | None]]]] = {
    "good.png": (png(), [JUDGED]),
    "good.jpeg": (jpeg(), [JUDGED]),
    "corrupt.jpeg": (jpeg()[:3000], [{"corrupt_image"}]),
    "empty.png": (b"", [{"empty_file"}]),
    "text.png": (b"These are words, not pixels.\n" * 40, [{"unsupported_format"}]),
    "60-megapixel.png": (png_header_of(10_000, 6_000), [{"too_many_pixels"}]),
    "ct.dcm": (dicom(Modality="CT"), [{"wrong_modality"}]),
    "good.dcm": (dicom(), [JUDGED]),
    "names.zip": (outside_names(), [{"unsafe_archive_entry"}] * 3 + [JUDGED]),
    "more.zip": (zip_of(film=png(), folder__broken=png()[:200]), [JUDGED, {"corrupt_image"}]),
}


def submit(stack: Stack, files: dict[str, bytes]) -> list[dict[str, Any]]:
    """Send files through the public API; the rows of the finished job."""
    with httpx.Client(base_url=stack.gateway_url, timeout=60) as client:
        answer = client.post("/v1/jobs", files=[("files", entry) for entry in files.items()])
        assert answer.status_code == 202, answer.text
        address = answer.headers["Location"]
        wait_until(lambda: client.get(address).json()["state"] == "done", 60, f"{address} to be done")
        rows: list[dict[str, Any]] = client.get(f"{address}/results").json()["results"]
        return rows


def test_every_bad_file_is_one_row_and_the_rest_goes_on(stack: Stack) -> None:
    rows = submit(stack, {name: content for name, (content, _) in SENT.items()})
    expected = [codes for _, per_file in SENT.values() for codes in per_file]
    assert len(rows) == len(expected)
    for row, codes in zip(rows, expected, strict=True):
        assert row["result"].get("code") in codes, row
        if row["result"]["kind"] == "rejection":
            assert row["result"]["message"].strip()
    assert all(stack.alive(name) for name in ("redis", "triton", "worker", "gateway"))


@pytest.mark.parametrize("name", [name for name, (_, codes) in SENT.items() if codes != [JUDGED]])
def test_each_bad_file_alone(stack: Stack, name: str) -> None:
    content, expected = SENT[name]
    rows = submit(stack, {name: content})
    for row, codes in zip(rows, expected, strict=True):
        assert row["result"].get("code") in codes, row


def codes_of(stack: Stack, files: list[Path]) -> list[str | None]:
    """The rejection code of each file of one job, None for a judged one."""
    assert files
    return [row["result"].get("code") for row in submit(stack, {path.name: path.read_bytes() for path in files})]


def test_real_photographs_are_refused(stack: Stack, data: Path) -> None:
    codes = codes_of(stack, sorted((data / "non_cxr" / "skimage_sklearn").iterdir()))
    assert codes.count(None) <= 0.05 * len(codes)
    assert codes.count("not_chest_xray") >= 0.85 * len(codes)
    assert set(codes) <= {None, "not_chest_xray", "inverted_film", "too_few_pixels"}


def test_real_objects_of_other_modalities_are_refused(stack: Stack, data: Path) -> None:
    assert set(codes_of(stack, sorted((data / "dicom" / "other_modality").glob("*.dcm")))) == {"wrong_modality"}


def test_real_damaged_files_are_refused(stack: Stack, data: Path) -> None:
    assert set(codes_of(stack, sorted((data / "malformed_images").iterdir()))) == {"corrupt_image"}


def test_real_chest_films_in_dicom_are_judged(stack: Stack, data: Path) -> None:
    codes = codes_of(stack, sorted((data / "dicom" / "cxr").glob("*.dcm")))
    assert codes.count(None) >= len(codes) - 1  # one of these eight is itself unusual


def test_real_films_are_judged(stack: Stack, originals: list[Path]) -> None:
    codes = codes_of(stack, originals)
    assert codes.count(None) >= 0.95 * len(codes)
