"""``python -m gateway``: page and HTTP API, the DICOM door, keys and accounts, and a client that sends folders."""

from __future__ import annotations

import os
from pathlib import Path
from signal import SIGINT, SIGTERM, signal
from threading import Event
from typing import Annotated, NoReturn

import typer

from cxr.jobs import Ledger, LedgerGauges
from cxr.settings import Settings, read_settings
from cxr.telemetry import configure_logging
from cxr.telemetry.metrics import serve_metrics
from cxr.telemetry.traces import configure_tracing
from gateway.access.account_commands import accounts
from gateway.access.exposure import refuse_half_a_certificate, refuse_open_doors
from gateway.access.key_commands import keys
from gateway.access.register import AccessFile
from gateway.page_folder import page_folder
from gateway.said import said
from gateway.submit.command import submit

cli = typer.Typer(no_args_is_help=True, add_completion=False)
cli.add_typer(keys, name="keys")
cli.add_typer(accounts, name="accounts")
cli.command()(submit)


@cli.callback()
def main() -> None:
    """PneumoServe's doors: the web page, the HTTP API, DICOM; who may come in; and a client that sends folders."""


@cli.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (else CXR_GATEWAY_HOST).")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to listen on (else CXR_GATEWAY_PORT).")
    ] = None,
) -> None:
    """Serve the page at / and the API under /v1 until Ctrl-C.

    Everything else is set through the environment: CXR_REDIS_URL, CXR_TRITON_URL, CXR_BLOBS_DIR, ...
    """
    settings = _settings()
    configure_logging("gateway", settings.log_level)
    with said():
        refuse_open_doors(
            host or settings.gateway_host, AccessFile(settings.access_file) if settings.access_file else None
        )
        refuse_half_a_certificate(settings)
    signal(SIGTERM, _end)  # uvicorn stops in peace, then sends itself the signal again
    with page_folder() as uploads:
        # Gradio reads these when it is imported.
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "0"
        os.environ["GRADIO_TEMP_DIR"] = str(uploads)

        import uvicorn

        from gateway.app import create_app

        configure_tracing("gateway", settings.otlp_endpoint, settings.trace_ratio)
        gauges = LedgerGauges(Ledger(settings.redis_url, patient=False))
        serve_metrics(settings.gateway_metrics_port, settings.metrics_host, gauges.read)
        uvicorn.run(
            create_app(settings),
            host=host or settings.gateway_host,
            port=port or settings.gateway_port,
            access_log=False,  # ours carries no file names
            log_config=None,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=settings.trusted_proxies,
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
        )


@cli.command()
def dicom() -> None:
    """Receive films by C-STORE and send their results back, until Ctrl-C; a process of its own beside `serve`.

    Set through the environment, see docs/dicom.md: CXR_DICOM_PEERS (who may send), CXR_DICOM_RETURN_TO (where results
    go), CXR_DICOM_HOST, CXR_DICOM_PORT, CXR_DICOM_AE_TITLE, CXR_DICOM_OWNER.
    """
    settings = _settings()
    configure_logging("dicom", settings.log_level)

    from gateway.dicom.door import Door
    from gateway.parts import Parts

    configure_tracing("dicom", settings.otlp_endpoint, settings.trace_ratio)
    parts, stop = Parts.of(settings), Event()
    with said():
        door = Door(settings, parts)
    serve_metrics(settings.dicom_metrics_port, settings.metrics_host, door.gauges)
    for ending in (SIGINT, SIGTERM):
        signal(ending, lambda *_: stop.set())
    try:
        door.run(stop)
    finally:
        parts.close()


@cli.command()
def feedback(
    out: Annotated[Path, typer.Option(help="Where the CSV goes.")] = Path("manifest.csv"),
    every: Annotated[bool, typer.Option("--all", help="Every entry, not only each reader's last on an image.")] = False,
) -> None:
    """Write what readers said of findings as a training manifest; docs/api.md describes its columns."""
    from cxr.errors import CxrError
    from cxr.jobs import FeedbackLog, Ledger, last_words
    from gateway.manifest import write_manifest

    entries = FeedbackLog(Ledger(_settings().redis_url)).entries()
    try:
        rows = write_manifest(entries if every else last_words(entries), out)
    except (CxrError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{rows} opinions in {out}")


def _end(number: int, _frame: object) -> NoReturn:
    """End as a signal ends a process, but through every ``finally`` on the way out."""
    raise SystemExit(128 + number)


def _settings() -> Settings:
    with said():
        return read_settings()


if __name__ == "__main__":
    cli()
