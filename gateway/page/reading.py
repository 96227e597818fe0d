"""One film read: the viewer, the finding on its scale, what it meant before, what is remarkable, and the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cxr.jobs import Feedback
from cxr.schemas import JobResult, ModelCard, ModelIdentity, Note, Prediction, Rejection
from gateway.page.advice import advice
from gateway.page.meaning import similar_films
from gateway.page.opinion import opinion_form
from gateway.page.scale import probability_scale
from gateway.page.standing import downloads
from gateway.page.viewer import no_picture, viewer
from gateway.page.words import WAITING, escape, percent, words_for

EMPTY = """
<section class="panel empty">
  <h2>No film yet</h2>
  <p>Drop frontal chest X-rays above: JPEG, PNG, DICOM, or a zip of them.</p>
  <ul>
    <li>Each film gets a finding with its calibrated probability, or a clear reason why it was not judged.</li>
    <li>A heatmap shows which parts of the film raised the probability.</li>
    <li>What is not a frontal chest X-ray is refused instead of guessed at.</li>
  </ul>
</section>"""


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
    job_id: str, row: JobResult, card: ModelCard | None, said: Sequence[Feedback] = (), way: Way | None = None
) -> str:
    """HTML of one image of a job.

    ``card`` is that of the model that judged it, where it is known; ``said`` the reader's opinions so far; ``way``
    leads to the other films of the list.
    """
    match row.result:
        case Prediction():
            verdict, picture = _prediction(row.result, card), viewer(job_id, row, with_heatmap=True)
        case Rejection():
            can_be_seen = row.result.shows_film
            verdict, picture = _rejection(row.result), viewer(job_id, row, False) if can_be_seen else no_picture()
        case None:
            verdict, picture = f"<p>{WAITING.sentence}</p>", no_picture("The film is shown when it has been judged.")
    words = words_for(row.result)
    return f"""
<article class="panel reading" data-reading="{row.index}" data-address="{_address(job_id, row.index, way)}"
  aria-label="Reading">
  {_way(job_id, way) if way else ""}
  <div class="viewer">{picture}</div>
  <div class="verdict {words.style}">
    <p class="film-name" title="{escape(row.image.name)}">{escape(row.image.name)}</p>
    <div role="status">
      <h2><span class="sign" aria-hidden="true">{words.sign}</span>{words.title}</h2>
    </div>
    {verdict}
    {opinion_form(said) if row.result else ""}
    {_judged_by(row.result.model) if row.result and row.result.model else ""}
    {_lone(job_id) if way is None else ""}
  </div>
</article>"""


def _address(job_id: str, index: int, way: Way | None) -> str:
    return f"?job={escape(job_id)}" + (f"&amp;film={index + 1}" if way else "")


def _lone(job_id: str) -> str:
    return f"""
<div class="job-links">{downloads(job_id, 1)}
  <p class="last"><button type="button" class="link" data-forget>Delete this film</button></p></div>"""


def _way(job_id: str, way: Way) -> str:
    return f"""
<nav class="way" aria-label="Films of the list">
  <button type="button" class="link" data-back="?job={escape(job_id)}"
    aria-label="Back to the list">List</button>
  <span>{way.place:,} of {way.total:,}</span>
  <span class="last">{_turn("previous", way.before)}{_turn("next", way.after)}</span>
</nav>"""


def _turn(name: str, index: int | None) -> str:
    leads = "disabled" if index is None else f'data-index="{index}"'
    return f'<button type="button" class="plain" id="{name}-film" {leads}>{name.capitalize()}</button>'


def _prediction(prediction: Prediction, card: ModelCard | None) -> str:
    words = words_for(prediction)
    point = card.operating_point if card else None
    return f"""
<p class="probability"><strong>{percent(prediction.probability)}</strong> calibrated probability of pneumonia</p>
{probability_scale(prediction.probability, point, words.style)}
<p>{words.sentence}</p>
{_notes(prediction.notes)}
{similar_films(card, prediction.probability) if card else ""}"""


def _notes(notes: Sequence[Note]) -> str:
    if not notes:
        return ""
    items = "".join(f"<li>{escape(note.message)}</li>" for note in notes)
    return f'<section class="notes"><h3>Take note</h3><ul>{items}</ul></section>'


def _rejection(rejection: Rejection) -> str:
    again = "<p>Sending it again later may help.</p>" if rejection.retryable else ""
    return f"""
<p class="reason">{escape(rejection.message)}</p>
<p>{advice(rejection.code)}</p>
<p class="caption">No probability is given. Other films are not affected.</p>{again}
<p class="code">Code <code>{escape(rejection.code)}</code></p>"""


def _judged_by(model: ModelIdentity) -> str:
    return f"""
<p class="judged-by">Judged by {escape(model.name)} version {model.version} on {escape(model.engine)}.
  <a href="v1/model" target="_blank" rel="noopener" data-card>Model card</a></p>"""
