"""The first look: submit the samples through the public API like any client, and print what comes back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.local.settings import LocalSettings
from gateway.page.words import percent

WORDS = {
    "pneumonia": "[bold red]pneumonia",
    "no_pneumonia": "[green]no pneumonia",
    "indeterminate": "[yellow]indeterminate",
}


class StackNotReady(Exception):
    """The stack did not become ready in time; the text says what was still missing."""


def wait_until_ready(url: str, timeout_s: float, console: Console) -> None:
    """Ask ``/readyz`` until it agrees. Raises ``StackNotReady`` with the last answer."""
    deadline, last = time.monotonic() + timeout_s, "no answer from the gateway"
    with console.status("Starting Redis, Triton, worker and gateway ..."), httpx.Client(timeout=5) as client:
        while time.monotonic() < deadline:
            try:
                answer = client.get(f"{url}/readyz")
                if answer.status_code == 200:
                    return
                last = answer.text
            except httpx.TransportError:
                pass
            time.sleep(0.25)
    raise StackNotReady(last)


def judge(url: str, files: list[Path], console: Console, timeout_s: float = 300.0) -> list[dict[str, Any]]:
    """Submit one job, follow its progress, return its result rows."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with httpx.Client(base_url=url, timeout=60) as client, Progress(*columns, console=console) as progress:
        task = progress.add_task("Judging the samples", total=len(files))
        job = (
            client.post("/v1/jobs", files=[("files", (path.name, path.read_bytes())) for path in files])
            .raise_for_status()
            .json()
        )
        deadline = time.monotonic() + timeout_s
        while job["state"] != "done":
            if time.monotonic() > deadline:
                raise StackNotReady(f"job {job['id']} was not finished after {timeout_s:.0f} s")
            time.sleep(0.1)
            job = client.get(f"/v1/jobs/{job['id']}").raise_for_status().json()
            progress.update(task, completed=job["answered"])
        progress.update(task, completed=job["answered"])
        rows: list[dict[str, Any]] = client.get(f"/v1/jobs/{job['id']}/results").raise_for_status().json()["results"]
        return rows


def doors(settings: LocalSettings) -> Table:
    """Where the stack listens, where the sample films lie, and where the parts log."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    gateway = f"http://127.0.0.1:{settings.gateway_port}"
    for words, where in (
        ("Page", gateway),
        ("API", f"{gateway}/docs"),
        ("gRPC", f"127.0.0.1:{settings.triton_port} (docs/grpc.md)"),
        ("Sample films", _near(settings.local_dir / "samples")),
        ("Log", _near(settings.local_dir / "logs" / "stack.log")),
    ):
        table.add_row(words, where)
    return table


def _near(path: Path) -> str:
    """A path as one would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def findings_table(rows: list[dict[str, Any]]) -> Table:
    """One line per film: what was found and how probable, or why it was refused."""
    models = {_model_line(row["result"]["model"]) for row in rows if row["result"]["model"]}
    table = Table(
        caption="\n".join([*sorted(models), "Research and demonstration; not a medical device."]),
        caption_justify="left",
    )
    table.add_column("film", no_wrap=True)
    table.add_column("finding", no_wrap=True)
    table.add_column("probability, or why it was refused", overflow="fold")
    for row in rows:
        result = row["result"]
        if result["kind"] == "prediction":
            table.add_row(row["image"]["name"], WORDS[result["finding"]], _bar(result["probability"]))
        else:
            table.add_row(row["image"]["name"], f"[magenta]{result['code']}", result["message"])
    return table


def _model_line(model: dict[str, Any]) -> str:
    return f"Model {model['name']} version {model['version']}, engine {model['engine']}."


def _bar(probability: float, width: int = 20) -> str:
    filled = round(probability * width)
    return f"{'█' * filled}{'░' * (width - filled)} {percent(probability)}"
