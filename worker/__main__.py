"""``python -m worker``: run a worker, or look after the jobs. Settings come from the environment (``CXR_...``)."""

from __future__ import annotations

import sys

import typer

from cxr.errors import CxrError
from cxr.settings import read_settings
from worker import app, operator

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="Run a worker, or look after the jobs.")


@cli.command()
def run() -> None:
    """Answer chunks until told to stop; what is in hand is finished first."""
    raise typer.Exit(app.run(read_settings()))


for command in operator.COMMANDS:
    cli.command()(command)

if __name__ == "__main__":
    try:
        cli()
    except CxrError as error:
        operator.said_plainly(error)
        sys.exit(1)
