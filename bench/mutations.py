"""Ways to damage a file, from blind ones to ones that know where a format keeps its lengths.

Every mutation takes a file, another file of any format, and a generator, and returns the damaged file; the same
generator state gives the same file.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from bench.layers import PNG_MARK, damaged_inside

Rng = np.random.Generator
Mutation = Callable[[bytes, bytes, Rng], bytes]

# Numbers that length arithmetic gets wrong.
EXTREMES = (0, 1, 2, 3, 4, 7, 8, 15, 16, 63, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF)
EXTREMES_32 = (*EXTREMES, 0x10000, 0xFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF)
# Where formats say how long, how many and how large: JPEG and JPEG 2000 markers, PNG chunks, DICOM's image pixel module
# (group 0028), lookup tables, pixel data and item tags, zip records.
LANDMARKS = re.compile(
    rb"\xff[\xc0-\xcf\xda-\xdd\xe0-\xef\xf7\xf8]|\xff[\x4f-\x64\x90-\x93]|IHDR|PLTE|IDAT|tRNS|iCCP|zTXt|eXIf|tEXt|IEND"
    rb"|\x28\x00[\x02\x04\x06\x08\x10\x11\x00\x01\x02\x03\x50-\x56]\x00|\x28\x00[\x50-\x55]\x10|\x28\x00\x02\x30"
    rb"|\xe0\x7f\x10\x00|\xfe\xff[\x00\x0d\xdd]\xe0|\x02\x00[\x00\x10]\x00|\x08\x00\x60\x00|PK\x01\x02|PK\x03\x04|PK\x05\x06"
)
LANDMARK_REACH = 48  # bytes after a landmark in which its numbers stand


def flip_bits(content: bytes, _: bytes, rng: Rng) -> bytes:
    changed = bytearray(content)
    for _count in range(int(rng.integers(1, 9))):
        changed[_place(changed, rng)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def set_bytes(content: bytes, _: bytes, rng: Rng) -> bytes:
    changed = bytearray(content)
    start = _place(changed, rng)
    length = int(rng.integers(1, 17))
    fill = rng.choice([0, 0xFF, -1])
    new = rng.bytes(length) if fill < 0 else bytes([int(fill)]) * length
    changed[start : start + length] = new
    return bytes(changed)


def truncate(content: bytes, _: bytes, rng: Rng) -> bytes:
    return content[: _place(content, rng)]


def cut_out(content: bytes, _: bytes, rng: Rng) -> bytes:
    start, length = _place(content, rng), _length(content, rng)
    return content[:start] + content[start + length :]


def repeat(content: bytes, _: bytes, rng: Rng) -> bytes:
    start, length = _place(content, rng), _length(content, rng)
    return content[:start] + content[start : start + length] * int(rng.integers(2, 33)) + content[start + length :]


def splice(content: bytes, other: bytes, rng: Rng) -> bytes:
    """The beginning of one file, the end of another."""
    return content[: _place(content, rng)] + other[_place(other, rng) :]


def transplant(content: bytes, other: bytes, rng: Rng) -> bytes:
    """A piece of another file over a piece of this one."""
    start, source, length = _place(content, rng), _place(other, rng), _length(other, rng)
    return content[:start] + other[source : source + length] + content[start + length :]


def swap_header(content: bytes, other: bytes, rng: Rng) -> bytes:
    """This file behind the first bytes of another."""
    length = int(rng.choice([4, 8, 16, 33, 132, 256, 512, 1024]))
    return other[:length] + content[length:]


def edit_field(content: bytes, _: bytes, rng: Rng) -> bytes:
    """Extreme numbers, of 1, 2 or 4 bytes in either order, in one to three places where the format keeps numbers."""
    changed = bytearray(content)
    marks = [match.start() for match in LANDMARKS.finditer(content)]
    for _count in range(int(rng.integers(1, 4))):
        start = int(rng.choice(marks)) if marks else _place(content, rng)
        at = start + int(rng.integers(2, LANDMARK_REACH))
        layout = str(rng.choice(["B", "<H", ">H", "<L", ">L"]))
        extremes = EXTREMES_32 if layout[-1] == "L" else EXTREMES
        value = int(rng.choice(extremes)) & (0xFF if layout == "B" else 0xFFFFFFFF)
        if at + struct.calcsize(layout) <= len(changed):
            struct.pack_into(layout, changed, at, value)
    return bytes(changed)


MUTATIONS: dict[Mutation, float] = {
    flip_bits: 0.2,
    set_bytes: 0.1,
    truncate: 0.1,
    cut_out: 0.05,
    repeat: 0.05,
    splice: 0.1,
    transplant: 0.1,
    swap_header: 0.05,
    edit_field: 0.25,
}
INSIDE, SECOND_TIME, CHECKSUMS_MENDED = 0.4, 0.3, 0.8  # probabilities


def mutated(content: bytes, others: Sequence[bytes], rng: Rng) -> bytes:
    """Damage a file once, sometimes twice, often below its surface only; a PNG's checksums mostly fit again."""
    kinds, weights = list(MUTATIONS), np.array(list(MUTATIONS.values()))
    for _ in range(1 + int(rng.random() < SECOND_TIME)):
        mutation = kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
        other = others[int(rng.integers(len(others)))]
        damage = partial(_damage, mutation, other, rng)
        content = damaged_inside(content, damage, rng) if rng.random() < INSIDE else damage(content)
    return with_checksums(content) if rng.random() < CHECKSUMS_MENDED else content


def _damage(mutation: Mutation, other: bytes, rng: Rng, content: bytes) -> bytes:
    return mutation(content or b"\0", other, rng)


def with_checksums(content: bytes) -> bytes:
    """A PNG with every chunk's CRC made right, as far as its chunks can be followed; other files unchanged."""
    if not content.startswith(PNG_MARK):
        return content
    changed, at = bytearray(content), len(PNG_MARK)
    while at + 12 <= len(changed):
        end = at + 8 + struct.unpack_from(">L", changed, at)[0]
        if end + 4 > len(changed):
            break
        struct.pack_into(">L", changed, end, zlib.crc32(changed[at + 4 : end]))
        at = end + 4
    return bytes(changed)


def _place(content: bytes | bytearray, rng: Rng) -> int:
    """Anywhere in the file, but half of the time in its first 1,024 bytes, where the structure is."""
    reach = len(content) if rng.random() < 0.5 else min(len(content), 1024)
    return int(rng.integers(max(reach, 1)))


def _length(content: bytes, rng: Rng) -> int:
    return int(rng.integers(1, max(2, min(len(content), 4096))))
