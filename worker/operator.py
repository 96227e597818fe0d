"""What an operator can see and do from the command line, whether or not a worker runs here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cxr.blobs import BlobStore, blob_store
from cxr.custody import Custody
from cxr.errors import CxrError
from cxr.jobs import AuditLog, Backlog, JobStore, Ledger, entry_of
from cxr.queue import celery_app
from cxr.schemas import JobState, Prediction
from cxr.settings import Settings, read_settings
from worker.roster import Roster

OPERATOR = "operator"
WIDE = 120  # columns of a table that holds whole hashes
console = Console()
JobId = Annotated[str, typer.Argument(help="The job's id.")]


@dataclass(frozen=True)
class Desk:
    """The operator's doors."""

    settings: Settings
    ledger: Ledger
    blobs: BlobStore
    jobs: JobStore
    backlog: Backlog
    audit: AuditLog
    custody: Custody

    @classmethod
    def open(cls) -> Desk:
        settings = read_settings()
        ledger = Ledger(settings.redis_url)
        jobs, audit = JobStore(ledger, settings), AuditLog(ledger)
        blobs = blob_store(settings)
        return cls(settings, ledger, blobs, jobs, Backlog(ledger), audit, Custody(jobs, blobs, audit))

    def roster(self) -> Roster:
        """The workers. Raises ``LedgerUnavailable`` at once where Celery would not say what is wrong with Redis."""
        self.ledger.probe()
        return Roster(celery_app(self.settings.redis_url))


def jobs(most: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 20) -> None:
    """List the newest jobs and the backlog."""
    desk = Desk.open()
    table = Table("job", "state", "queue", "answered", "created")
    for job in desk.jobs.recent(most):
        created = f"{job.created_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(job.id, job.state, job.queue, f"{job.answered} of {job.total}", created)
    standing = desk.backlog.standing()
    Console(width=max(console.width, WIDE)).print(table)
    console.print(f"{standing.images} images wait; {standing.images_per_s:.1f} images/s over the last minute")


def inspect(job_id: JobId) -> None:
    """Show a job's images and what became of each."""
    desk = Desk.open()
    job = desk.jobs.job(job_id)
    table = Table("image", "sha256", "answer", title=f"{job.state}, {job.answered} of {job.total} answered")
    for row in desk.jobs.results(job_id):
        table.add_row(str(row.index), row.image.sha256 or "", _answer(row.result) if row.result else "waits")
    Console(width=max(console.width, WIDE)).print(table)


def cancel(job_id: JobId) -> None:
    """Stop a job within the chunk in hand; the answers it has stay."""
    job = Desk.open().custody.cancel(job_id, OPERATOR)
    if job.state is JobState.DONE:
        console.print(f"{job_id}: is done already; nothing was cancelled", style="red")
        raise typer.Exit(1)
    console.print(f"{job_id}: {job.state}, {job.answered} of {job.total} answered")


def delete(job_id: JobId) -> None:
    """Forget a job, its answers, and the films that no other job needs."""
    Desk.open().custody.forget(job_id, OPERATOR)
    console.print(f"{job_id}: forgotten")


def set_aside() -> None:
    """List the images that were set aside because they kept stopping workers: queue, hash, and where each lies."""
    desk = Desk.open()
    aside = desk.jobs.set_aside()
    for job_id, index in aside:
        queue, sha256 = desk.jobs.job(job_id).queue, desk.jobs.result(job_id, index).image.sha256
        place = f"{sha256}  {desk.blobs.place(sha256)}" if sha256 else ""
        console.print(f"{job_id} {index}  {queue}  {place}", highlight=False, soft_wrap=True)
    console.print(f"{len(aside)} images are set aside")


def retry(job_id: JobId, index: Annotated[int, typer.Argument(help="The image's number in the job.")]) -> None:
    """Let a set-aside image be tried again."""
    if not Desk.open().jobs.retry(job_id, index, entry_of(OPERATOR, "retried", job_id, 1)):
        console.print(f"{job_id} {index}: was not set aside", style="red")
        raise typer.Exit(1)
    console.print(f"{job_id} {index}: waits again")


def drain(worker: Annotated[str, typer.Argument(help="The worker's name, as `workers` lists it.")]) -> None:
    """Let a worker finish what it has in hand and then stop; its chunks go to the others."""
    roster = Desk.open().roster()
    there = roster.in_hand()
    if worker not in there:
        console.print(f"No worker of that name answers; there are: {', '.join(there) or 'none'}", style="red")
        raise typer.Exit(1)
    roster.drain(worker)
    console.print(f"{worker}: asked to finish and stop")


def workers() -> None:
    """List the workers that answer, and how many chunks each has in hand."""
    answers = Desk.open().roster().in_hand()
    for name, chunks in answers.items():
        console.print(f"{name}: {chunks} chunks in hand", soft_wrap=True)
    console.print(f"{len(answers)} workers")


def audit() -> None:
    """Print the record of who did what to which job, and who came in, oldest first."""
    for entry in Desk.open().audit.entries():
        when = f"{entry.at:%Y-%m-%d %H:%M:%S}"
        what = f"{entry.job_id}  {entry.images} images" if entry.job_id else ""
        line = f"{when}  {entry.actor}  {entry.action}  {what}  {entry.about}"
        console.print(line.rstrip(), highlight=False, soft_wrap=True)


def archive_audit(
    into: Annotated[Path, typer.Argument(help="A new file: one JSON object a line.")],
    older_than_days: Annotated[int, typer.Option(min=1, help="What is younger stays.")] = 365,
) -> None:
    """Move old entries of the record out of Redis into a file; they are removed when they lie on the disk."""
    before = datetime.now(UTC) - timedelta(days=older_than_days)
    try:
        count = Desk.open().audit.archive(into, before, OPERATOR)
    except OSError as error:
        raise typer.BadParameter(f"{into}: {error.strerror}") from error
    console.print(
        f"{count} entries from before {before:%Y-%m-%d}" + (f" moved to {into}" if count else ": no file is made")
    )


def retain(
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Only say that this ledger and this store belong together.")
    ] = False,
) -> None:
    """Forget jobs past their retention, as workers do by themselves; remove image bytes that no job names."""
    custody = Desk.open().custody
    if adopt:
        console.print(f"ledger and image store are installation {custody.adopt()}")
        console.print(
            f"{sum(1 for _ in custody.unnamed())} films of it are named by no job: the next retain removes them"
        )
        return
    custody.tidy()  # refuses a store that is not this ledger's, before anything is removed
    expired = custody.expire()
    console.print(f"{expired} jobs forgotten, {custody.sweep()} films removed that no job named")


COMMANDS = (jobs, inspect, cancel, delete, set_aside, retry, workers, drain, audit, archive_audit, retain)


def said_plainly(error: CxrError) -> None:
    """Say an error as a line with its code."""
    console.print(f"{error.code}: {error}", style="red", soft_wrap=True)


def _answer(result: object) -> str:
    if isinstance(result, Prediction):
        return f"{result.finding} {result.probability:.3f}"
    return str(getattr(result, "code", ""))
