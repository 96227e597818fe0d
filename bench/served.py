"""The model that the repository serves, and the stack that serves it, for as long as a bench lasts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from bench.outcome import KEPT
from deploy.local.settings import ROOT
from tests.stack import Stack
from trainer.contract import MODEL_NAME
from trainer.repository import card_to_serve, cpu_config, cpu_engine_of, render
from trainer.scorers import CPU_ENGINES

MODEL = ROOT / "model_repository" / MODEL_NAME


def version_folder() -> Path:
    """Where the served version's files are."""
    return MODEL / str(card_to_serve(MODEL).version)


def served_engine() -> str:
    """The CPU engine that the gate admitted."""
    return cpu_engine_of(MODEL, card_to_serve(MODEL).version)


@contextmanager
def folder(name: str) -> Iterator[Path]:
    """A folder on a real disk, so that what is synced is synced; gone afterwards."""
    KEPT.mkdir(parents=True, exist_ok=True)
    path = Path(mkdtemp(prefix=f"{name}-", dir=KEPT))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def running(*names: str, commands: Mapping[str, str] | None = None, **environment: str) -> Iterator[Stack]:
    """The processes of the Procfile as ``make run`` starts them, with a ledger and blobs of their own."""
    with folder("stack") as path:
        stack = Stack(path, commands, CXR_RECONCILE_INTERVAL_S="1", **environment)
        try:
            stack.start(*names)
            yield stack
        finally:
            stack.close()


def repository_with(engine: str, into: Path) -> Path:
    """The model repository served by another engine, for the engine bench alone; no gate has admitted it."""
    target = into / MODEL_NAME
    shutil.copytree(MODEL, target)
    (target / "configs" / "cpu.pbtxt").write_text(render(cpu_config(card_to_serve(MODEL), engine)))
    return into


def engine_file(engine: str | None = None) -> Path:
    """The file that an engine of ``model.py`` runs, the served one when none is named."""
    return version_folder() / CPU_ENGINES[engine or served_engine()]


def served_parameters() -> dict[str, str]:
    """What the served configuration tells ``model.py``."""
    parameters = cpu_config(card_to_serve(MODEL), served_engine()).parameters
    return {name: parameters[name].string_value for name in parameters}
