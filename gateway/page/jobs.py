"""The visitor's recent jobs, to be found again."""

from __future__ import annotations

from collections.abc import Sequence

from cxr.schemas import Job, JobState
from gateway.page.words import escape

STATES = {
    JobState.RECEIVING: "being stored",
    JobState.QUEUED: "waiting",
    JobState.RUNNING: "running",
    JobState.DONE: "done",
    JobState.CANCELLED: "cancelled",
}

NO_JOBS = """
<section class="panel empty">
  <h2>No jobs yet</h2>
  <p>Drop many films, a zip, or choose a folder above. The list then sorts itself, most urgent first.</p>
  <ul>
    <li>A job goes on when this tab is closed; it is found here again, or by its address.</li>
    <li>A file that cannot be judged does not stop the others: it becomes a row with its reason.</li>
    <li>Findings can be downloaded as CSV, as JSON, and as DICOM reports for films that came as DICOM.</li>
  </ul>
</section>"""


def recent_jobs(jobs: Sequence[tuple[Job, str]], opened: str) -> str:
    """HTML of jobs and the name of each one's first film; ``opened`` is the id of the one that is looked at."""
    if not jobs:
        return NO_JOBS
    rows = "".join(_row(job, name, job.id == opened) for job, name in jobs)
    return f"""
<section class="panel recent" aria-label="My recent jobs">
  <details{"" if opened else " open"}><summary>My recent jobs <span class="caption">{len(jobs)}</span></summary>
    <ul>{rows}</ul></details>
</section>"""


def _row(job: Job, name: str, opened: bool) -> str:
    more = f" and {job.total - 1:,} more" if job.total > 1 else ""
    current = ' aria-current="true"' if opened else ""
    return f"""
<li><a href="?job={escape(job.id)}" data-open="{escape(job.id)}"{current}>{escape(name)}{more}</a>
  <span>{STATES[job.state]}{"" if job.state.final else f", {job.answered:,} of {job.total:,}"}</span>
  <time datetime="{job.created_at.isoformat()}">{job.created_at:%Y-%m-%d %H:%M} UTC</time></li>"""
