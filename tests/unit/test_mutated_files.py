"""Damaged files: a short run of every format, and what long runs have found, made small."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from bench.documents import write_section
from bench.fuzz import FORMATS, fuzz, mutants, table
from bench.layers import damaged_inside
from bench.mutations import MUTATIONS, with_checksums
from bench.samples import samples
from cxr.codestreams import FrameHeader, frame_header
from cxr.errors import CorruptDicom, CorruptImage, FileTooLarge, UnsafeArchiveEntry, WrongModality
from cxr.imaging import Limits, preprocess
from gateway.archives import Archive
from tests.dicom_syntaxes import every_syntax
from tests.files import dicom, encoded, grey_ramp, jpeg, png
from tests.zips import zip_of

FILES, SEED = 60, 20261123
SYNTAXES = dict(every_syntax())


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_short_run_answers_every_file(file_format: str, tmp_path: Path) -> None:
    run = fuzz(file_format, range(FILES), SEED, data=tmp_path)
    assert [fate.number for fate in run.fates] == list(range(FILES))
    assert len(run.outcomes) > 1
    assert run.stopped == []
    assert f"| {file_format} | {FILES} |" in table([run])


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_seed_makes_the_same_files_again(file_format: str, tmp_path: Path) -> None:
    first, again, other = (mutants(file_format, seed, tmp_path) for seed in (1, 1, 2))
    assert [first(number) for number in range(30)] == [again(number) for number in range(30)]
    assert [first(number) for number in range(30)] != [other(number) for number in range(30)]


@pytest.mark.parametrize("file_format", ["png", "dicom", "zip"])
def test_damage_below_the_surface_leaves_the_file_around_it_whole(file_format: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for content in samples(file_format, tmp_path)[:5]:
        changed = damaged_inside(content, lambda inside: inside[:-1] + bytes([inside[-1] ^ 1]), rng)
        assert changed != content or b"1.2.840.10008.1.2.2\0" in content  # big endian: its pixels are not looked for
        if file_format == "png":
            assert with_checksums(changed) == changed
        elif file_format == "zip":
            assert zipfile.ZipFile(io.BytesIO(changed)).testzip() is None
        else:
            before, after = (dcmread(io.BytesIO(each), stop_before_pixels=True) for each in (content, changed))
            assert (after, after.file_meta) == (before, before.file_meta)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_mutation_takes_any_file(mutation: object) -> None:
    assert callable(mutation)
    rng = np.random.default_rng(0)
    for content in (b"\0", b"\xff\xd8\xff\xc0", png()):
        assert all(isinstance(mutation(content, jpeg(), rng), bytes) for _ in range(50))
    assert any(mutation(png(), jpeg(), rng) != png() for _ in range(50))


def test_mended_checksums_get_past_the_first_look() -> None:
    damaged = bytearray(png())
    damaged[-2] ^= 1  # in the last checksum
    assert with_checksums(bytes(damaged)) == png()


def test_a_section_is_replaced_and_the_rest_of_the_document_stays(tmp_path: Path) -> None:
    document = tmp_path / "reliability.md"
    document.write_text("# Reliability\n\nBy hand.\n")
    for text in ("first", "second"):
        write_section(document, "one", "One", text)
        write_section(document, "two", "Two", text)
    written = document.read_text()
    assert written.startswith("# Reliability\n\nBy hand.\n")
    assert written.count("second") == 2
    assert "first" not in written


# What long runs have found.

JPEG_IN_DICOM = [name for name in SYNTAXES if "JPEG" in name and "2000" not in name]
JPEG2000_IN_DICOM = [name for name in SYNTAXES if "JPEG 2000" in name]


@pytest.mark.parametrize("name", JPEG_IN_DICOM)
def test_a_jpeg_that_claims_another_size_than_its_dicom_file_is_not_decoded(name: str) -> None:
    """gdcm allocated what the frame claimed, and aborted its process when that failed."""
    with pytest.raises(CorruptDicom, match="another size"):
        preprocess(_with_jpeg_size(SYNTAXES[name], 65_500, 65_500))


@pytest.mark.parametrize("name", JPEG2000_IN_DICOM)
def test_a_jpeg_2000_that_claims_another_size_than_its_dicom_file_is_not_decoded(name: str) -> None:
    """Both decoders took up to 20 s and 8 GB over it."""
    changed = bytearray(SYNTAXES[name])
    struct.pack_into(">LL", changed, changed.index(b"\xff\x4f\xff\x51") + 8, 0x7FFFFFFF, 10)
    with pytest.raises(CorruptDicom, match="another size"):
        preprocess(bytes(changed))


@pytest.mark.parametrize("name", JPEG_IN_DICOM)
@pytest.mark.parametrize("bits", [17, 63, 255])
def test_a_jpeg_of_more_bits_than_there_is_room_for_is_not_decoded(name: str, bits: int) -> None:
    """gdcm wrote past its buffer."""
    changed = bytearray(SYNTAXES[name])
    changed[_jpeg_frame_at(changed) + 4] = bits
    with pytest.raises(CorruptDicom, match="more bits"):
        preprocess(bytes(changed))


def test_a_jp2_box_of_no_length_is_damage() -> None:
    """pydicom 3.0.2 never returned from it."""
    content = SYNTAXES["JPEG 2000 by Pillow"]
    box = content.index(b"jp2h") - 4
    with pytest.raises(CorruptDicom):
        preprocess(content[:box] + bytes(4) + content[box + 4 :])


@pytest.mark.parametrize("name", JPEG_IN_DICOM)
def test_a_jpeg_with_foreign_bytes_between_its_headers_is_not_decoded(name: str) -> None:
    """gdcm aborted its process: a table's mark was damaged, so the pixels came before their table."""
    content = SYNTAXES[name]
    start = content.index(b"\xff\xd8\xff")
    table_mark = content.find(b"\xff\xc4", start)
    if table_mark < 0:
        table_mark = content.index(b"\xff\xda", start)  # JPEG-LS has no table
    with pytest.raises(CorruptDicom):
        preprocess(content[:table_mark] + b"\x00" + content[table_mark + 1 :])


@pytest.mark.parametrize("bits", ["8", "16"])
def test_every_syntax_reads_as_the_same_film(bits: str) -> None:
    films = {name: preprocess(content) for name, content in SYNTAXES.items() if name.endswith(f" {bits}")}
    plain = films[f"Explicit little endian {bits}"]
    assert len(films) > 10
    assert [name for name, film in films.items() if np.abs(film.astype(int) - plain).max() > 3] == []


def test_a_message_never_repeats_what_damage_put_in_the_place_of_a_code() -> None:
    """A length that was edited made the pixels the modality: the refusal carried a megabyte of them."""
    with pytest.raises(WrongModality) as caught:
        preprocess(dicom(Modality="ZZZZ").replace(b"ZZZZ", b"a\x01<>"))
    assert caught.value.detail == "an unreadable value"


def test_a_deflated_bomb_is_refused_before_it_is_inflated() -> None:
    """80 kB that pydicom would inflate to 80 MB at once; the limit is that of a file which is not deflated."""
    deflated = SYNTAXES["Deflated Explicit VR Little Endian 8"]
    meta_length = struct.unpack_from("<L", deflated, 140)[0]
    start = 144 + meta_length
    squeezer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    bomb = squeezer.compress(zlib.decompress(deflated[start:], -zlib.MAX_WBITS))
    bomb += b"".join(squeezer.compress(bytes(1024**2)) for _ in range(80)) + squeezer.flush()
    with pytest.raises(FileTooLarge, match="inflates"):
        preprocess(deflated[:start] + bomb, Limits(max_file_bytes=10_000_000))
    assert preprocess(deflated).shape == (1, 224, 224)


def test_an_archive_entry_without_a_name_is_one_refusal() -> None:
    """zipfile fails on it: the whole upload became an internal error."""
    archive = bytearray(zip_of({"x": png(), "film.png": png()}, zipfile.ZIP_STORED))
    entry = archive.index(b"PK\x01\x02")
    archive[entry + 46] = 0  # the name ends before it begins
    answers = [content for _, _, content in Archive(io.BytesIO(bytes(archive)), 10**6, 10).films()]
    assert isinstance(answers[0], UnsafeArchiveEntry)
    assert answers[1] == png()


def test_a_jpeg_of_countless_scans_is_refused() -> None:
    """Each is a pass over all pixels: 186 kB took 19 s."""
    content = jpeg(progressive=True)
    last = content[content.rindex(b"\xff\xda") : -2]
    assert preprocess(content[:-2] + last * 20 + content[-2:]).shape == (1, 224, 224)
    with pytest.raises(CorruptImage, match="scans"):
        preprocess(content[:-2] + last * 200 + content[-2:])


def test_a_frame_says_its_size() -> None:
    rows, columns = grey_ramp().shape
    assert frame_header(jpeg()) == FrameHeader(rows, columns, 1, 8)
    jp2 = encoded(grey_ramp().astype(np.uint16) * 16, "JPEG2000")
    assert frame_header(jp2) == frame_header(jp2[jp2.index(b"\xff\x4f") :]) == FrameHeader(rows, columns, 1, 16)
    assert frame_header(b"not compressed") is None
    for cut in range(2, jpeg().index(b"\xff\xda") + 2):
        with pytest.raises(ValueError, match=r"codestream|marker|pixels"):
            frame_header(jpeg()[:cut])


def _with_jpeg_size(content: bytes, rows: int, columns: int) -> bytes:
    changed = bytearray(content)
    struct.pack_into(">HH", changed, _jpeg_frame_at(changed) + 5, rows, columns)
    return bytes(changed)


def _jpeg_frame_at(content: bytearray) -> int:
    start = content.index(b"\xff\xd8\xff")
    return min(at for kind in (0xC0, 0xC1, 0xC3, 0xF7) if (at := content.find(bytes([0xFF, kind, 0]), start)) >= 0)
