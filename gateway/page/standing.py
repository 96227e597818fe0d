"""How far a job is, what came out of it, what can be taken home; and what could not be done."""

from __future__ import annotations

from collections.abc import Mapping

from cxr.errors import CxrError
from cxr.schemas import Job, JobState
from gateway.page.advice import advice
from gateway.page.words import ANSWERS, count, duration, escape
from gateway.worklists import Answer

JSON_PAGE_IMAGES = 1000
OF_DICOM_ALONE = "A report and a heatmap of each film that came as DICOM, and an index of all"
STAYS = "Opinions that were sent stay, without the film's name, and so does the record of who did what."


def progress(job: Job, counts: Mapping[Answer, int], images_per_s: float = 0.0, has_dicom: bool = False) -> str:
    """HTML of a job's standing: a bar and the time left while it works, what came out of it, and its downloads.

    ``has_dicom``: a film of it came as DICOM.
    """
    share = job.answered / job.total if job.total else 0.0
    working = "" if job.state.final else " working"
    stop = "" if job.state.final else '<button type="button" class="link" data-stop>Cancel this job</button>'
    return f"""
<section class="panel progress{working}" data-job="{escape(job.id)}" data-address="?job={escape(job.id)}"
  data-state="{job.state.value}" aria-label="Job">
  <div class="standing"><p role="status">{_standing(job)}{_left(job, images_per_s)}</p>{_outcome(counts)}</div>
  <div class="bar" role="progressbar" aria-label="Films answered" aria-valuemin="0" aria-valuemax="{job.total}"
    aria-valuenow="{job.answered}"><span style="width:{share:.2%}"></span></div>
  <div class="job-links">
    {downloads(job.id, job.total, has_dicom) if job.answered else ""}
    <p class="last">{stop}
      <button type="button" class="link"
        data-forget="Delete this job, {count(job.total, "film")} and their findings? {STAYS}"
        >Delete this job and its films</button></p>
  </div>
</section>"""


def receiving(files: int) -> str:
    """HTML shown while the films are being made durable."""
    return f"""
<section class="panel progress working" data-state="receiving" role="status">
  <div class="standing"><p>Storing <strong>{count(files, "file")}</strong>; judging follows</p></div>
  <div class="bar"><span class="unknown"></span></div>
</section>"""


def deleted(films: int) -> str:
    """HTML shown where a job was."""
    their = "its finding" if films == 1 else "their findings"
    return f"""
<section class="panel deleted" role="status"><p>Deleted: {count(films, "film")} and {their}.</p></section>"""


def fault(error: CxrError, title: str, *, of_upload: bool = False) -> str:
    """HTML of something that could not be done: what, what to do about it, and its code."""
    return f"""
<section class="panel fault" role="alert">
  <h2>{escape(title)}</h2>
  <p>{escape(str(error))} {advice(error.code, of_upload=of_upload)}</p>
  <p class="code">Code <code>{escape(error.code)}</code></p>
</section>"""


def downloads(job_id: str, films: int, has_dicom: bool) -> str:
    """HTML of links to a job's findings in every form; JSON line by line where there are too many for one page."""
    results = f"v1/jobs/{escape(job_id)}/results"
    as_json = "json" if films <= JSON_PAGE_IMAGES else "ndjson"
    kinds = (
        ("csv", "CSV", "findings.csv"),
        (as_json, "JSON", f"findings.{as_json}"),
        *([("dicom", "DICOM (zip)", "findings-dicom.zip")] if has_dicom else ()),
    )
    said = {"dicom": f' title="{OF_DICOM_ALONE}"'}
    links = "".join(
        f'<a href="{results}?format={kind}" download="{name}"{said.get(kind, "")}>{words}</a>'
        for kind, words, name in kinds
    )
    return f'<p class="downloads"><span>Download</span>{links}</p>'


def time_left(images: int, images_per_s: float) -> str:
    """``about 40 s left``; nothing where nobody can say."""
    if images <= 0 or images_per_s <= 0:
        return ""
    return f"about {duration(max(1.0, images / images_per_s))} left"


def _standing(job: Job) -> str:
    if job.state is JobState.DONE and job.finished_at:
        took_s = max(0.0, (job.finished_at - job.created_at).total_seconds())
        return f"<strong>{count(job.total, 'film')}</strong> answered in {took_s:.1f} s"
    if job.state is JobState.CANCELLED:
        return f"Cancelled after <strong>{job.answered:,} of {job.total:,}</strong> films"
    return f"<strong>{job.answered:,} of {job.total:,}</strong> answered"


def _left(job: Job, images_per_s: float) -> str:
    left = "" if job.state.final else time_left(job.total - job.answered, images_per_s)
    return f", {left}" if left else ""


def _outcome(counts: Mapping[Answer, int]) -> str:
    items = [
        f'<li class="{words.style}"><span class="sign" aria-hidden="true">{words.sign}</span>'
        f"{counts[answer]:,} {words.title.lower()}</li>"
        for answer, words in ANSWERS.items()
        if answer is not Answer.WAITING and counts.get(answer)
    ]
    return f'<ul class="outcome">{"".join(items)}</ul>' if items else ""
