"""``python -m bench NAME``: measure one thing on this machine and print what was found."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console

from bench import ceiling, engine, growth, interactive, queue, system
from bench.outcome import Outcome, present
from bench.peers import trial as peers
from bench.steps import Steps

BENCHES: dict[str, Callable[[bool, Steps], Outcome]] = {
    "ceiling": ceiling.measure,
    "engine": engine.measure,
    "system": system.measure,
    "peers": peers.measure,
    "interactive": interactive.measure,
    "queue": queue.measure,
    "growth": growth.measure,
}

cli = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Measure how fast this machine answers films. Each bench measures what it compares in the same run, in turns;"
    " --quick only shows that it works.",
)
Quick = Annotated[bool, typer.Option("--quick", help="Seconds instead of minutes; no figure to rely on.")]
Write = Annotated[bool, typer.Option("--write", help="Put the result into docs/performance.md.")]


def run(name: str, quick: bool, write: bool, load_before: float) -> None:
    """One bench from beginning to end."""
    console = Console()
    with Steps(name, console) as steps:
        outcome = BENCHES[name](quick, steps)
    outcome.load_before = load_before
    present(outcome, console, write=write)


@cli.command("all")
def run_all(quick: Quick = False, write: Write = False) -> None:
    """All of them, one after the other."""
    load_before = os.getloadavg()[0]
    for name in BENCHES:
        run(name, quick, write, load_before)


def _add(name: str) -> None:
    def bench(quick: Quick = False, write: Write = False) -> None:
        run(name, quick, write, os.getloadavg()[0])

    cli.command(name, help=BENCHES[name].__doc__)(bench)


for _name in BENCHES:
    _add(_name)

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what a bench started ends with it
    cli()
