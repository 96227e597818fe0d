"""A version folder appears whole, under its own name, or not at all; and what a failed publish changed is changed back.

.publishing-<version>/   being written
.replaced-<version>/     the folder that a publish put out of the way, until the new one is proved
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cxr.schemas import ModelCard
from trainer.golden import PHANTOMS
from trainer.proof import PROOF, GateProof, is_admitted
from trainer.refusals import StepRefused
from trainer.repository import CONFIG_FILES, MANIFEST, served_card, write_whole
from trainer.scorers import CPU_ENGINES, REHEARSALS

BACKEND_PROGRAM = "model.py"


def repair(folder: Path) -> None:
    """Put back or clear away what a publish left behind that was killed halfway."""
    for left in folder.glob(".publishing-*"):
        shutil.rmtree(left)
    for replaced in folder.glob(".replaced-*"):
        final = folder / replaced.name.removeprefix(".replaced-")
        if final.exists():
            shutil.rmtree(replaced)
        else:
            replaced.rename(final)


def backend_program(folder: Path) -> Path:
    """The Python backend's program: the served version's, else the newest, carried on into each version folder."""
    served = served_card(folder)
    if served is not None and (program := folder / str(served.version) / BACKEND_PROGRAM).is_file():
        return program
    programs = sorted(folder.glob(f"[0-9]*/{BACKEND_PROGRAM}"), key=lambda path: int(path.parent.name))
    if not programs:
        raise StepRefused(f"no version in {folder} has a {BACKEND_PROGRAM} to carry on")
    return programs[-1]


def stage(run: Path, folder: Path, card: ModelCard, proof: GateProof, program: str) -> None:
    """Write the version folder under a temporary name and rename it, keeping a folder that had its name."""
    staged, final = folder / f".publishing-{card.version}", folder / str(card.version)
    staged.mkdir(parents=True)
    admitted_too = {file for engine, file in REHEARSALS.items() if is_admitted(run, engine, card.onnx_sha256)}
    for file in sorted({"model.onnx", CPU_ENGINES[proof.engine], PHANTOMS} | admitted_too):
        shutil.copyfile(run / file, staged / file)
    write_whole(staged / MANIFEST, card.model_dump_json(indent=2) + "\n")
    write_whole(staged / PROOF, proof.model_dump_json(indent=2) + "\n")
    write_whole(staged / BACKEND_PROGRAM, program)
    if final.exists():
        final.rename(folder / f".replaced-{card.version}")
    staged.rename(final)


@contextmanager
def undone_on_error(folder: Path, version: int, then: Callable[[BaseException], None]) -> Iterator[None]:
    """Put configs and version folder back when the block fails in any way, call ``then``, and let the error go on."""
    final, staged, replaced = folder / str(version), folder / f".publishing-{version}", folder / f".replaced-{version}"
    there_before = final.exists()
    texts = {path: path.read_text(encoding="utf-8") if path.is_file() else None for path in _configs(folder)}
    try:
        yield
    except BaseException as error:
        shutil.rmtree(staged, ignore_errors=True)
        if replaced.exists() or not there_before:
            shutil.rmtree(final, ignore_errors=True)
        if replaced.exists():
            replaced.rename(final)
        for path, text in texts.items():
            if text is None:
                path.unlink(missing_ok=True)
            else:
                write_whole(path, text)
        then(error)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def _configs(folder: Path) -> list[Path]:
    return [folder / name for name in CONFIG_FILES]
