"""The visitor's recent jobs, to be found again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from cxr.schemas import Job, JobResult, JobState
from gateway.page.words import ANSWERS, escape, moment, words_for

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


def recent_jobs(jobs: Sequence[tuple[Job, Sequence[JobResult]]], opened: str, everybodys: bool = False) -> str:
    """HTML of jobs, each with its films or the first of them; ``opened`` is the id of the one that is looked at.

    ``everybodys``: where nobody signs in, they are not the visitor's own.
    """
    if not jobs:
        return NO_JOBS
    title = "Recent jobs on this server" if everybodys else "My recent jobs"
    rows = "".join(_row(job, films, job.id == opened) for job, films in jobs if films)
    return f"""
<section class="panel recent" aria-label="{title}">
  <details{"" if opened else " open"}><summary>{title} <span class="caption">{len(jobs)}</span></summary>
    <ul>{rows}</ul></details>
</section>"""


def tells_findings(job: Job, films: Sequence[JobResult]) -> bool:
    """Whether the list says what came out of this job."""
    return job.state is JobState.DONE and len(films) == job.total


def _row(job: Job, films: Sequence[JobResult], opened: bool) -> str:
    name = films[0].image.name
    more = f" and {job.total - 1:,} more" if job.total > 1 else ""
    current = ' aria-current="true"' if opened else ""
    return f"""
<li><a href="?job={escape(job.id)}" data-open="{escape(job.id)}"{current}>{escape(name)}{more}</a>
  <span>{_came_out(job, films)}</span>
  {moment(job.created_at)}</li>"""


def _came_out(job: Job, films: Sequence[JobResult]) -> str:
    if not job.state.final:
        return f"{STATES[job.state]}, {job.answered:,} of {job.total:,}"
    if not tells_findings(job, films):
        return STATES[job.state]
    if job.total == 1:
        return words_for(films[0].result).title
    counts = Counter(words_for(film.result) for film in films)
    return ", ".join(f"{counts[words]} {words.title.lower()}" for words in ANSWERS.values() if counts[words])
