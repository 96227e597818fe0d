"""Files that are costly to make and made once, for every training that runs on this machine."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path


def made_once(path: Path, make: Callable[[Path], None]) -> None:
    """Have ``make`` write the file where it is told to, unless ``path`` is there; it appears whole or not at all.

    Others that want it meanwhile wait. The kernel takes the lock from a process that was killed.
    """
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            unfinished = path.with_name(f".{path.name}")  # with its suffix: numpy adds one to a name without
            make(unfinished)
            unfinished.replace(path)
