"""The command line of ``python -m gateway submit``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, NoReturn
from urllib.parse import urlsplit

import typer

from gateway.submit.output import OutputFormat

JUDGED, FAILED, MISUSED, SOME_REFUSED, NO_ACCESS, INTERRUPTED = 0, 1, 2, 3, 4, 130
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def submit(
    paths: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Folders and files: films, zips of films.")],
    out: Annotated[Path, typer.Option(help="Where the answers go: .csv, .json or .ndjson.")],
    url: Annotated[
        str,
        typer.Option(
            envvar="CXR_GATEWAY_URL",
            default_factory=lambda: f"http://127.0.0.1:{os.environ.get('CXR_GATEWAY_PORT', 7860)}",
            show_default="http://127.0.0.1, at CXR_GATEWAY_PORT or 7860",
            help="The gateway's address.",
        ),
    ],
    format: Annotated[OutputFormat | None, typer.Option(help="Else by the ending of --out.")] = None,
    api_key_file: Annotated[
        Path | None, typer.Option(envvar="CXR_API_KEY_FILE", help="A file with your API key; or set CXR_API_KEY.")
    ] = None,
    per_job: Annotated[int, typer.Option(min=1, help="Most files in one job.")] = 500,
    per_job_mib: Annotated[int, typer.Option(min=1, help="Most MiB in one job.")] = 512,
    patience_s: Annotated[float, typer.Option(min=0, help="Give up when for so long nothing goes on.")] = 600,
    fresh: Annotated[bool, typer.Option("--fresh", help="Make new jobs also of what was sent before.")] = False,
) -> None:
    """Send folders of films to a gateway, wait, and write all answers into one file.

    Run the same command again after an interruption: it goes on where it was, and nothing is judged twice.

    Ends with

    0: every image was judged;

    1: it could not be finished;

    2: wrong arguments, or no film there;

    3: some were refused, each with a row and a reason;

    4: the key is missing, not valid or may not do this;

    130: interrupted.
    """
    from gateway.submit.connection import Connection, GaveUp, Refused
    from gateway.submit.folder import batches, find
    from gateway.submit.memory import Memory
    from gateway.submit.output import Output
    from gateway.submit.progress import Bars
    from gateway.submit.submission import ACCESS, Submission

    chosen = format or OutputFormat.of(out)
    if chosen is None:
        _end(MISUSED, f"error: give --format: the ending of {out} is none of {', '.join(OutputFormat)}")
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        _end(MISUSED, f"error: {url} is no address; give one like https://films.hospital.example")
    try:
        key = _api_key(api_key_file)
        if key and address.scheme == "http" and address.hostname not in LOOPBACK:
            typer.echo("warning: the key goes over the network unencrypted; use https", err=True)
        found = find(paths)
        if not found.files:
            _end(MISUSED, f"error: no film in {', '.join(map(str, paths))}")
        memory = Memory(out.with_name(out.name + ".jobs"))
        output = Output(out, chosen)
    except OSError as error:
        _end(MISUSED, f"error: {error.filename or out}: {error.strerror or error}")
    try:
        with Bars(len(found.files)) as bars, Connection(url, key, patience_s, bars.say) as connection:
            submission = Submission(connection, memory, output, bars, memory.salt(fresh))
            submission.run(batches(found.files, per_job, per_job_mib * 1024**2))
        output.finish()
        memory.forget()
    except BaseException as error:
        output.abandon()
        again = "Run the same command again to go on."
        match error:
            case Refused() if error.status in ACCESS:
                _end(NO_ACCESS, f"refused: {error}")
            case Refused():
                doubt = " Is --url the gateway's address?" if error.is_foreign else ""
                _end(FAILED, f"refused: {str(error).rstrip('.')}.{doubt} {again}")
            case GaveUp():
                _end(FAILED, f"gave up: {error}. {again}")
            case OSError():
                _end(FAILED, f"error: {error}. {again}")
            case KeyboardInterrupt():
                _end(INTERRUPTED, f"interrupted. {again}")
        raise
    output.summary.passed_over = len(found.passed_over)
    for path in found.passed_over:
        typer.echo(f"  passed over: {path}", err=True)
    for line in output.summary.lines():
        typer.echo(line, err=True)
    typer.echo(f"{out}", err=True)
    answers = output.summary.answers
    raise typer.Exit(FAILED if answers["unanswered"] else SOME_REFUSED if answers["refused"] else JUDGED)


def _api_key(file: Path | None) -> str | None:
    """From the file, or else CXR_API_KEY; never from the command line, which every user of the machine can read."""
    return (file.read_text() if file else os.environ.get("CXR_API_KEY", "")).strip() or None


def _end(code: int, text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(code)
