"""The visitor's recent jobs, to be found again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class RecentJob:
    """A job with its films or the first of them, and whether the list says what came out of it."""

    job: Job
    films: Sequence[JobResult]
    tells_findings: bool = False


def recent_jobs(jobs: Sequence[RecentJob], opened: str, everybodys: bool = False) -> str:
    """HTML of jobs; ``opened`` is the id of the one that is looked at.

    ``everybodys``: where nobody signs in, they are not the visitor's own.
    """
    if not jobs:
        return NO_JOBS
    title = "Recent jobs on this server" if everybodys else "My recent jobs"
    rows = "".join(_row(recent, recent.job.id == opened) for recent in jobs if recent.films)
    return f"""
<section class="panel recent" aria-label="{title}">
  <details{"" if opened else " open"}><summary>{title} <span class="caption">{len(jobs)}</span></summary>
    <ul>{rows}</ul></details>
</section>"""


def _row(recent: RecentJob, opened: bool) -> str:
    job, name = recent.job, recent.films[0].image.name
    more = f" and {job.total - 1:,} more" if job.total > 1 else ""
    current = ' aria-current="true"' if opened else ""
    return f"""
<li><a href="?job={escape(job.id)}" data-open="{escape(job.id)}"{current}>{escape(name)}{more}</a>
  <span>{_came_out(recent)}</span>
  {moment(job.created_at)}</li>"""


def _came_out(recent: RecentJob) -> str:
    job, films = recent.job, recent.films
    if not job.state.final:
        return f"{STATES[job.state]}, {job.answered:,} of {job.total:,}"
    if not recent.tells_findings:
        return STATES[job.state]
    if job.total == 1:
        return words_for(films[0].result).title
    counts = Counter(words_for(film.result) for film in films)
    return ", ".join(f"{counts[words]} {words.title.lower()}" for words in ANSWERS.values() if counts[words])
