"""Sample films for a first look: 16 paediatric films, an adult DICOM film, and a photograph that must be refused.

They come out of Python packages (see ``samples.txt``) into ``.local/samples``: the films of Kermany et al. 2018 (CC BY
4.0), the DICOM file of pydicom-data (MIT), a photograph of scikit-image. Where a download fails, the shared folder of
real images is used instead; where that is absent too, the samples that are there have to do.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("samples.txt")
WANTED_FROM_PACKAGE = {
    "pneumonia_model_package": "datasets/pneumonia-data/val/*.jpeg",
    "pydicom_data": "data_store/data/RG1_J2KR.dcm",
    "scikit_image": "skimage/data/chelsea.png",
}
WANTED_FROM_SHARED = ("kermany_originals/val/*/*.jpeg", "dicom/cxr/RG1_J2KR.dcm", "non_cxr/skimage_sklearn/*chelsea*")


def sample_files(folder: Path, shared: Path, say: Callable[[str], None]) -> list[Path]:
    """The sample files, fetched at the first call; ``say`` is told what could not be had."""
    if not folder.exists() or not any(folder.iterdir()):
        folder.mkdir(parents=True, exist_ok=True)
        for requirement in _requirements():
            _fetch(requirement, folder, say)
    found = sorted(path for path in folder.iterdir() if path.is_file())
    if len(found) < len(WANTED_FROM_PACKAGE):
        found = _beside(found, [path for pattern in WANTED_FROM_SHARED for path in sorted(shared.glob(pattern))])
    return found


def _beside(found: list[Path], others: list[Path]) -> list[Path]:
    names = {path.name for path in found}
    return found + [path for path in others if path.name not in names]


def _requirements() -> list[str]:
    lines = REQUIREMENTS.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _fetch(requirement: str, folder: Path, say: Callable[[str], None]) -> None:
    name = requirement.split("==")[0]
    with tempfile.TemporaryDirectory() as scratch:
        listed = Path(scratch) / "one.txt"
        listed.write_text(requirement + "\n")
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", scratch, "--requirement", str(listed)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        except subprocess.TimeoutExpired:
            say(f"{name} did not arrive within five minutes; going on without its samples.")
            return
        wheels = list(Path(scratch).glob("*.whl"))
        if done.returncode or not wheels:
            say(f"{name} could not be downloaded; going on without its samples.")
            return
        _unpack(wheels[0], folder)


def _unpack(wheel: Path, folder: Path) -> None:
    package = wheel.name.split("-")[0]
    pattern = WANTED_FROM_PACKAGE[package]
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.namelist():
            if Path(entry).match(pattern):
                (folder / Path(entry).name).write_bytes(archive.read(entry))
