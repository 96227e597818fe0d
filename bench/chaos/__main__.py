"""``python -m bench.chaos``: break a running stack in every way of ``bench/chaos/faults/``, and count."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from bench.chaos.faults import Fault, every_fault
from bench.chaos.report import table, write
from bench.chaos.trial import Row, Trial


def run(fault: Fault, folder: Path, images: int, seed: int) -> Row:
    """One fault on a fresh stack in ``folder``; a row that says why when it cannot run here."""
    if why := fault.missing():
        return Row(fault.title, 0, 0, 0, None, None, why)
    environment = {
        name: str(folder / value) if name == "CXR_CHAOS_FATES" else value for name, value in fault.environment.items()
    }
    with Trial(folder, images, seed, fault.commands, environment) as trial:
        return trial.finish(fault.title, fault.act(trial))


def main(
    faults: Annotated[list[str] | None, typer.Option(help="Names of faults; all when not given.")] = None,
    images: Annotated[int, typer.Option(help="Images per fault.")] = 1000,
    seed: Annotated[int, typer.Option(help="Makes moments and films the same again.")] = 1,
    keep: Annotated[Path | None, typer.Option(help="Keep every stack's folder (logs, Redis) under this one.")] = None,
    write_document: Annotated[bool, typer.Option("--write", help="Put the table into docs/reliability.md.")] = False,
) -> None:
    """Break things, count images, print the table."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the stacks end with us
    known = every_fault()
    rows = []
    base = keep or Path(tempfile.mkdtemp(prefix="cxr-chaos-"))
    for number, name in enumerate(faults or known):
        folder = base / name
        rows.append(run(known[name], folder, images, seed + number))
        print(table(rows[-1:]).splitlines()[-1], flush=True)
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    print("\n" + table(rows))
    if write_document:
        command = f"python -m bench.chaos --images {images} --seed {seed} --write"
        write(rows, command, f"{os.cpu_count()} CPU cores")
    if any(row.lost or row.answered_twice for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
