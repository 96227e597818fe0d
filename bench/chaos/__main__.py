"""``python -m bench.chaos``: break a running stack in every way of ``bench/chaos/faults/``, and count.

Every finished row is kept under ``--state``; a run that was stopped goes on with what is missing, and the table is made
of what is there.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from bench.chaos import memory
from bench.chaos.faults import Fault, every_fault
from bench.chaos.progress import Progress
from bench.chaos.report import text_of, write
from bench.chaos.rows import STATE, Kept, code_version, keep, kept_rows
from bench.chaos.trial import FaultDidNotStrike, Row, Trial

MEMORY = {f"memory-{images}": images for images in memory.SIZES}


def run(fault: Fault, folder: Path, images: int, seed: int, progress: Progress) -> Row:
    """One fault on a fresh stack in ``folder``. Raises ``FaultDidNotStrike``."""
    environment = {
        name: str(folder / value) if name == "CXR_CHAOS_FATES" else value for name, value in fault.environment.items()
    }
    with Trial(folder, images, seed, fault.commands, environment) as trial:
        trial.watch.tell = lambda answered: progress.so_far(answered, max(trial.accepted, images))
        return trial.finish(fault.title, fault.act(trial))


def main(
    faults: Annotated[
        list[str] | None, typer.Option(help="Names of faults, or memory-1000; all when not given.")
    ] = None,
    images: Annotated[int, typer.Option(help="Images per fault.")] = 1000,
    seed: Annotated[int, typer.Option(help="Makes moments and films the same again.")] = 1,
    state: Annotated[Path, typer.Option(help="Where finished rows are kept.")] = STATE,
    again: Annotated[bool, typer.Option("--again", help="Do rows over that this code has made before.")] = False,
    logs: Annotated[Path | None, typer.Option("--keep", help="Keep every stack's folder under this one.")] = None,
    write_document: Annotated[bool, typer.Option("--write", help="Put the tables into docs/reliability.md.")] = False,
    only_write: Annotated[bool, typer.Option("--only-write", help="Run nothing; put what is kept there.")] = False,
) -> None:
    """Break things, count images, print the table."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the stacks end with us
    known, version = every_fault(), code_version()
    base = logs or Path(tempfile.mkdtemp(prefix="cxr-chaos-"))
    names = [] if only_write else faults or [*known, *MEMORY]
    wanted = {name: MEMORY.get(name, images) for name in names}
    before = {} if again else kept_rows(state)
    for name in [name for name in names if name in before and before[name].answers(version, wanted[name], seed)]:
        print(f"{name}: kept from before")
        del wanted[name]
    unproven, spent = [], (0.0, 0)
    for number, (name, count) in enumerate(wanted.items()):
        if name in known and (why := known[name].missing()):
            print(f"{name}: not run: {why}")
            continue
        started, folder, after = time.monotonic(), base / name, sum(list(wanted.values())[number + 1 :])
        shutil.rmtree(folder, ignore_errors=True)  # another run's ledger is none of this one's
        place = f"[{number + 1}/{len(wanted)}]"
        try:
            with Progress(name, place, after, spent) as progress:
                if name in MEMORY:
                    found: Row | memory.Memory = memory.measure(folder, count, seed, progress.so_far)
                else:
                    found = run(known[name], folder, count, seed, progress)
        except (FaultDidNotStrike, AssertionError) as error:
            print(f"{place} {name}: no row: {type(error).__name__}: {error}", flush=True)
            unproven.append(name)
            continue
        took_s = time.monotonic() - started
        spent = spent[0] + took_s, spent[1] + count
        keep(state, name, Kept(found, version, count, seed, took_s))
        print(f"{place} {name}: {took_s:.0f} s; {found}", flush=True)
        if logs is None:
            shutil.rmtree(folder, ignore_errors=True)
    kept = kept_rows(state)
    print("\n" + text_of(known, kept))
    if write_document or only_write:
        write(known, kept, f"{os.cpu_count()} CPU cores")
    if unproven or not all(one.found.good for one in kept.values() if isinstance(one.found, Row)):
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
