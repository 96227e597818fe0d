"""``python -m bench.golden_films``: films, and the tensors that ``cxr.imaging.preprocess`` makes of them.

A client that decodes films itself, in whatever language, proves its own way with them before it asks
``pneumonia_classifier``. The films are drawn (``trainer.phantom``), no patient's; sizes and formats are those that go
wrong: not square, a JPEG large enough to be decoded at a fraction of its size, one with a colour profile
(which is ignored), one that EXIF turns, 16 bits, colour, transparency, DICOM both ways round.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import ExifTags, Image

from cxr.imaging import PREPROCESS_VERSION, preprocess
from deploy.local.settings import ROOT
from tests.files import dicom, grey_profile, jpeg, png
from trainer.phantom import phantoms

FOLDER = ROOT / "model_repository" / "pneumonia" / "golden"
INDEX = "golden.json"


def golden_films() -> dict[str, bytes]:
    """The files by name; the same at every call."""
    wide = _drawn(640, 520, 1)
    deep, small = wide.astype(np.uint16) * 16, _drawn(300, 260, 1).astype(np.uint16) * 16
    return {
        "baseline.jpeg": jpeg(wide),
        "progressive.jpeg": jpeg(wide, progressive=True),
        "colour.jpeg": jpeg(np.dstack([wide] * 3)),
        "profile.jpeg": jpeg(wide, icc_profile=grey_profile(gamma=1.0)),
        "turned.jpeg": jpeg(wide, exif=_turned()),
        "large.jpeg": jpeg(_drawn(1600, 1320, 2), quality=60),
        "grey.png": png(wide),
        "deep.png": png(deep),
        "transparent.png": png(_half_transparent(wide)),
        "film.dcm": dicom(small, BitsStored=12, HighBit=11),
        "inverted.dcm": dicom(4095 - small, BitsStored=12, HighBit=11, PhotometricInterpretation="MONOCHROME1"),
    }


def contents() -> dict[str, bytes]:
    """All that belongs into the folder: each file, its tensor row by row (``.u8``), and the index of both."""
    films = golden_films()
    tensors = {f"{name}.u8": preprocess(content).tobytes() for name, content in films.items()}
    rows = [
        {"file": name, "tensor": f"{name}.u8", "sha256": hashlib.sha256(tensors[f"{name}.u8"]).hexdigest()}
        for name in films
    ]
    index = {"preprocess_version": PREPROCESS_VERSION, "shape": [1, 224, 224], "dtype": "uint8", "films": rows}
    return films | tensors | {INDEX: (json.dumps(index, indent=2) + "\n").encode()}


def _drawn(width: int, height: int, seed: int) -> NDArray[np.uint8]:
    square = Image.fromarray(phantoms(1, 512, seed)[0, 0])
    return np.asarray(square.resize((width, height), Image.Resampling.BICUBIC))


def _half_transparent(film: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[height, width, 2] uint8: the film, and opacity that falls off to the right."""
    opacity = np.tile(np.linspace(255, 0, film.shape[1]).astype(np.uint8), (film.shape[0], 1))
    return np.dstack([film, opacity])


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned by 90 degrees before it is shown
    return exif


def main(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail where a tensor would change.")] = False,
    folder: Annotated[Path, typer.Option(help="Where they lie.")] = FOLDER,
) -> None:
    """Write the golden films and tensors, or see whether they are still what ``preprocess`` makes."""
    if check:
        index = json.loads((folder / INDEX).read_text())
        made = [preprocess((folder / row["file"]).read_bytes()).tobytes() for row in index["films"]]
        sums = [hashlib.sha256(tensor).hexdigest() for tensor in made]
        changed = [row["file"] for row, found in zip(index["films"], sums, strict=True) if row["sha256"] != found]
        if changed:
            sys.exit(f"changed: {', '.join(changed)}")
        print(f"{len(made)} films, {len(made)} tensors as they should be")
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents().items():
        (folder / name).write_bytes(content)
    print(f"{folder}: {len(golden_films())} films and their tensors")


if __name__ == "__main__":
    typer.run(main)
