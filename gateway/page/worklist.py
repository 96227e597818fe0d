"""The films of a job as a list to choose from, and how far the job is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from cxr.errors import CxrError
from cxr.schemas import Job, JobResult, JobState, Prediction, Rejection
from gateway.page.advice import advice
from gateway.page.words import FINDINGS, REFUSED, count, escape, percent, short_reason, words_for

ROWS = 100


def progress(job: Job, rows: Sequence[JobResult]) -> str:
    """HTML of a job's standing: a bar while it works, then what came out of it, and its downloads."""
    share = job.answered / job.total if job.total else 0.0
    if job.state is JobState.DONE and job.finished_at:
        took_s = max(0.0, (job.finished_at - job.created_at).total_seconds())
        standing = f"<strong>{count(job.total, 'film')}</strong> answered in {took_s:.1f} s"
    elif job.state is JobState.CANCELLED:
        standing = f"Stopped after <strong>{job.answered:,} of {job.total:,}</strong>"
    else:
        standing = f"<strong>{job.answered:,} of {job.total:,}</strong> answered"
    outcome = _outcome(rows) if len(rows) == job.total else ""
    working = "" if job.state.final else " working"
    stop = "" if job.state.final else '<button type="button" class="link" data-stop>Stop</button>'
    return f"""
<section class="panel progress{working}" data-job="{escape(job.id)}" data-state="{job.state.value}" aria-live="polite">
  <div class="standing"><p>{standing}</p>{outcome}</div>
  <div class="bar" role="progressbar" aria-label="Films answered" aria-valuemin="0" aria-valuemax="{job.total}"
    aria-valuenow="{job.answered}"><span style="width:{share:.2%}"></span></div>
  <p class="job-links">
    <a href="v1/jobs/{escape(job.id)}/results?format=csv" download>Findings as CSV</a>
    <a href="v1/jobs/{escape(job.id)}/results" target="_blank" rel="noopener">JSON</a>
    <span class="last">{stop}
      <button type="button" class="link" data-forget>Delete this job and its films</button></span>
  </p>
</section>"""


def receiving(files: int) -> str:
    """HTML shown while the films are being made durable."""
    return f"""
<section class="panel progress working" data-state="receiving" role="status">
  <div class="standing"><p>Storing <strong>{count(files, "file")}</strong> before they are judged</p></div>
  <div class="bar"><span class="unknown"></span></div>
</section>"""


def fault(error: CxrError, title: str) -> str:
    """HTML of something that could not be done: what, why, and its code."""
    return f"""
<section class="panel fault" role="alert">
  <h2>{escape(title)}</h2>
  <p>{escape(str(error))} {advice(error.code)}</p>
  <p class="code">Code <code>{escape(error.code)}</code></p>
</section>"""


def worklist(rows: Sequence[JobResult], selected: int, total: int) -> str:
    """HTML of up to 100 films, one chosen, with the way to the rest."""
    if not rows:
        return ""
    items = "".join(_item(row, row.index == selected) for row in rows)
    return f"""
<nav class="panel worklist" aria-label="Films of this job">
  <h2>Films</h2>
  <ol>{items}</ol>
  {_pager(rows[0].index, rows[-1].index, total)}
</nav>"""


def _item(row: JobResult, chosen: bool) -> str:
    words = words_for(row.result)
    match row.result:
        case Prediction():
            said, figure = words.title, percent(row.result.probability)
        case Rejection():
            said, figure = f"{words.title}: {short_reason(row.result.code)}", ""
        case None:
            said, figure = words.title, ""
    current = ' aria-current="true"' if chosen else ""
    return f"""
<li><button type="button" class="pick {words.style}" data-index="{row.index}"{current}>
  <span class="sign" aria-hidden="true">{words.sign}</span>
  <span class="pick-name" title="{escape(row.image.name)}">{escape(row.image.name)}</span>
  <span class="pick-said">{escape(said)}</span><span class="pick-figure">{figure}</span>
</button></li>"""


def _pager(first: int, last: int, total: int) -> str:
    if total <= ROWS:
        return ""
    earlier = "" if first > 0 else " disabled"
    later = "" if last < total - 1 else " disabled"
    return f"""
<p class="pager">
  <button type="button" class="link" data-first="{first - ROWS}"{earlier}>Earlier</button>
  <span>{first + 1:,} to {last + 1:,} of {total:,}</span>
  <button type="button" class="link" data-first="{first + ROWS}"{later}>Later</button>
</p>"""


def _outcome(rows: Sequence[JobResult]) -> str:
    """How many films got which answer."""
    counts = Counter(words_for(row.result) for row in rows if row.result is not None)
    kinds = [words for words in (*FINDINGS.values(), REFUSED) if counts[words]]
    items = [
        f'<li class="{words.style}"><span class="sign" aria-hidden="true">{words.sign}</span>'
        f"{counts[words]} {words.title.lower()}</li>"
        for words in kinds
    ]
    return f'<ul class="outcome">{"".join(items)}</ul>'
