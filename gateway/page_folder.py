"""The folder in which Gradio keeps what browsers send: for this process alone, and gone when it ends."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

PREFIX, NOT_LOCKED_YET = "cxr-page-", "cxr-new-"


@contextmanager
def page_folder(parent: Path | None = None) -> Iterator[Path]:
    """A folder under ``parent`` (else the system's for temporary files), removed at the end.

    A process that was killed could not remove its own: the next one does. While a process lives it holds a lock on
    its folder.
    """
    parent = parent or Path(tempfile.gettempdir())
    _remove_abandoned(parent)
    made = Path(tempfile.mkdtemp(prefix=NOT_LOCKED_YET, dir=parent))
    lock = os.open(made, os.O_RDONLY)
    flock(lock, LOCK_EX)
    folder = made.rename(parent / made.name.replace(NOT_LOCKED_YET, PREFIX, 1))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # somebody else's, or removed meanwhile, or locked: its process lives
            lock = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                flock(lock, LOCK_EX | LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(lock)
