"""One film read: the viewer, the finding on its scale, what it meant before, what is remarkable, and the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cxr.jobs import Feedback
from cxr.notes import NoteCode
from cxr.schemas import Finding, JobResult, ModelCard, ModelIdentity, Note, Prediction, Rejection
from gateway.page.advice import advice
from gateway.page.meaning import similar_films, undecided_meant
from gateway.page.opinion import opinion_form
from gateway.page.rule import rule
from gateway.page.scale import probability_scale
from gateway.page.standing import STAYS, downloads
from gateway.page.viewer import no_picture, viewer
from gateway.page.words import WAITING, Words, escape, percent, words_for

EMPTY = """
<section class="panel empty">
  <h2>No film yet</h2>
  <p>Drop frontal chest X-rays above: JPEG, PNG, DICOM, or a zip of them.</p>
  <ul>
    <li>Made for children aged 1 to 5, from the films of one hospital; for other ages its answers are not valid.</li>
    <li>Each film gets a finding with its calibrated probability, or a clear reason why it was not judged.</li>
    <li>A heatmap shows which parts of the film raised the probability.</li>
    <li>What is not a frontal chest X-ray is refused instead of guessed at.</li>
  </ul>
</section>"""

# docs/results.md, films from elsewhere: specificity on adults' films.
AGE_WARNING = (
    "Age outside 1 to 5 years: the model was not validated for it; on films of adults it saw pneumonia in about half of"
    " those without. Do not use this answer."
)


@dataclass(frozen=True)
class Way:
    """Where a film stands in the list it was chosen from, and the films before and after it."""

    place: int
    total: int
    before: int | None
    after: int | None

    @classmethod
    def at(cls, order: Sequence[int], film: int) -> Way:
        """The way from ``film``, which is one of ``order``."""
        place, last = order.index(film), len(order) - 1
        before, after = order[place - 1] if place else None, order[place + 1] if place < last else None
        return cls(place + 1, len(order), before, after)


def reading(
    job_id: str,
    row: JobResult,
    card: ModelCard | None,
    said: Sequence[Feedback] = (),
    way: Way | None = None,
    has_dicom: bool = False,
) -> str:
    """HTML of one image of a job.

    ``card`` is that of the model that judged it, where it is known; ``said`` the reader's opinions so far; ``way``
    leads to the other films of the list; ``has_dicom``: the film came as DICOM.
    """
    words, name = words_for(row.result), escape(row.image.name)
    before = more = opinion = ""
    match row.result:
        case Prediction() as found:
            before, finding, more = _age_warning(found), _prediction(found, card), _background(found, card)
            picture, opinion = viewer(job_id, row, found.heatmap), opinion_form(said)
        case Rejection() as refused if refused.shows_film:
            finding, picture, opinion = _rejection(refused), viewer(job_id, row, None), opinion_form(said)
        case Rejection() as refused:
            finding, picture = _rejection(refused), no_picture()
        case None:
            finding, picture = f"<p>{WAITING.sentence}</p>", no_picture("The film is shown when it has been judged.")
    return f"""
<article class="panel reading" data-job="{escape(job_id)}" data-reading="{row.index}"
  data-address="{_address(job_id, row.index, way)}" data-title="{_title(row, words, way)}" aria-label="Reading">
  {_way(way) if way else ""}
  <div class="viewer">{picture}</div>
  <div class="verdict {words.style}">
    <div class="finding">
      <p class="film-name">{name}</p>
      <div role="status">{before}
        <h2><span class="sign" aria-hidden="true">{words.sign}</span>{words.title}</h2>
      </div>
      {finding}
    </div>
    <div class="more">
      {more}
      {opinion}
      {_judged_by(row.result.model) if row.result and row.result.model else ""}
      {_lone(job_id, row, has_dicom) if way is None else ""}
    </div>
  </div>
</article>"""


def _title(row: JobResult, words: Words, way: Way | None) -> str:
    """For the browser's window; without the film's name, which may be a patient's: a browser's history keeps titles."""
    return f"Film {row.index + 1}: {words.title}" if way else words.title


def _address(job_id: str, index: int, way: Way | None) -> str:
    return f"?job={escape(job_id)}" + (f"&amp;film={index + 1}" if way else "")


def _lone(job_id: str, row: JobResult, has_dicom: bool) -> str:
    return f"""
<div class="job-links">{downloads(job_id, 1, has_dicom) if row.result else ""}
  <p class="last"><button type="button" class="link" data-forget="Delete this film and its finding? {STAYS}"
    >Delete this film</button></p></div>"""


def _way(way: Way) -> str:
    return f"""
<nav class="way" aria-label="Films of the list">
  <button type="button" class="link" data-back aria-label="Back to the list">List</button>
  <span>{way.place:,} of {way.total:,}</span>
  <span class="last">{_turn("previous", way.before)}{_turn("next", way.after)}</span>
</nav>"""


def _turn(name: str, index: int | None) -> str:
    leads = "disabled" if index is None else f'data-index="{index}"'
    return f'<button type="button" class="plain" id="{name}-film" {leads}>{name.capitalize()}</button>'


def _age_warning(prediction: Prediction) -> str:
    return f'<p class="age-warning">{AGE_WARNING}</p>' if _of_another_age(prediction) else ""


def _of_another_age(prediction: Prediction) -> bool:
    return NoteCode.AGE_OUTSIDE_VALIDATED_RANGE in (note.code for note in prediction.notes)


def _prediction(prediction: Prediction, card: ModelCard | None) -> str:
    validated = not _of_another_age(prediction)
    counts = prediction.finding is not Finding.INDETERMINATE and validated
    undecided = undecided_meant(card) if card and prediction.finding is Finding.INDETERMINATE and validated else ""
    return f"""
<p class="probability{"" if counts else " that-does-not-count"}"><strong>{percent(prediction.probability)}</strong>
  calibrated probability of pneumonia</p>
<p>{rule(prediction.finding, card.operating_point if card else None)} {undecided}</p>
{_notes(prediction.notes)}"""


def _background(prediction: Prediction, card: ModelCard | None) -> str:
    point = card.operating_point if card else None
    meant = similar_films(card, prediction.probability) if card and not _of_another_age(prediction) else ""
    return probability_scale(prediction.probability, point, words_for(prediction).style) + meant


def _notes(notes: Sequence[Note]) -> str:
    items = "".join(
        f"<li>{escape(note.message)}</li>" for note in notes if note.code != NoteCode.AGE_OUTSIDE_VALIDATED_RANGE
    )
    return f'<section class="notes"><h3>Take note</h3><ul>{items}</ul></section>' if items else ""


def _rejection(rejection: Rejection) -> str:
    again = "<p>Sending it again later may help.</p>" if rejection.retryable else ""
    return f"""
<p class="reason">{escape(rejection.message)}</p>
<p>{advice(rejection.code)}</p>
<p class="caption">No probability is given. Other films are not affected.</p>{again}
<p class="code">Code <code>{escape(rejection.code)}</code></p>"""


def _judged_by(model: ModelIdentity) -> str:
    return f"""
<p class="judged-by">Model: {escape(model.name)}, version {model.version}, on {escape(model.engine)}.
  <a href="v1/model" target="_blank" rel="noopener" data-card>Model card</a></p>"""
