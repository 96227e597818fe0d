"""Films as hospitals send them: the sample originals, repeated under distinct bytes."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from itertools import cycle, islice

import numpy as np

from bench.samples import DATA
from cxr.schemas import JobImage
from tests.files import jpeg

COMMENT = b"\xff\xfe"  # ITU-T T.81 B.2.4.5
DRAWN_SIZE_PX = 1200, 1500
DRAWN = 8


def originals() -> list[bytes]:
    """The original films where the shared folder is at hand, else drawn ones of about their size."""
    files = [path.read_bytes() for path in sorted((DATA / "kermany_originals").rglob("*.jpeg"))]
    return files or [_drawn(number) for number in range(DRAWN)]


def repeated(count: int, salt: str = "") -> Iterator[bytes]:
    """``count`` films, each with bytes of its own; another ``salt`` gives other bytes, the pixels stay."""
    for number, film in enumerate(islice(cycle(originals()), count)):
        yield numbered(film, f"{salt}{number}")


def numbered(film: bytes, name: str) -> bytes:
    """The same JPEG with a comment behind its first marker."""
    comment = name.encode()
    return film[:2] + COMMENT + struct.pack(">H", 2 + len(comment)) + comment + film[2:]


def image_of(content: bytes) -> JobImage:
    """What the ledger knows of a film."""
    return JobImage(name="film.jpeg", sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


def _drawn(number: int) -> bytes:
    """Noise of two scales: about as many bytes a pixel as a film."""
    rng = np.random.default_rng(number)
    rows, columns = DRAWN_SIZE_PX
    coarse = np.kron(rng.integers(40, 200, (rows // 50, columns // 50)), np.ones((50, 50)))
    return jpeg((coarse + rng.normal(0, 3, coarse.shape)).clip(0, 255).astype(np.uint8), quality=90)
