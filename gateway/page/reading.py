"""One film read: the viewer with its heatmap, the finding, the probability on its scale, and which model said so."""

from __future__ import annotations

from cxr.errors import NotChestXray
from cxr.schemas import JobResult, ModelIdentity, OperatingPoint, Prediction, Rejection
from gateway.page.scale import probability_scale
from gateway.page.words import WAITING, escape, percent, words_for

CAPTION = (
    "Warm areas raised the probability; areas that lowered it are left clear. The map's cells add up to the log-odds of"
    " the probability. It shows what the model used, which need not be where disease is."
)

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


def reading(job_id: str, row: JobResult, point: OperatingPoint | None) -> str:
    """HTML of one image of a job; ``point`` is the operating point of the model that judged it, where it is known."""
    match row.result:
        case Prediction():
            verdict, viewer = _prediction(row.result, point), _viewer(job_id, row, with_heatmap=True)
        case Rejection():
            can_be_seen = row.result.code == NotChestXray.code
            verdict, viewer = _rejection(row.result), _viewer(job_id, row, False) if can_be_seen else _no_picture()
        case None:
            verdict, viewer = f"<p>{WAITING.sentence}</p>", _no_picture("The film is shown when it has been judged.")
    words = words_for(row.result)
    return f"""
<article class="panel reading" aria-live="polite">
  <div class="viewer">{viewer}</div>
  <div class="verdict {words.style}">
    <p class="film-name" title="{escape(row.image.name)}">{escape(row.image.name)}</p>
    <h2><span class="sign" aria-hidden="true">{words.sign}</span>{words.title}</h2>
    {verdict}
  </div>
</article>"""


def _prediction(prediction: Prediction, point: OperatingPoint | None) -> str:
    words = words_for(prediction)
    return f"""
<p class="probability"><strong>{percent(prediction.probability)}</strong> calibrated probability of pneumonia</p>
{probability_scale(prediction.probability, point, words.style)}
<p>{words.sentence}</p>
{_judged_by(prediction.model)}"""


def _rejection(rejection: Rejection) -> str:
    again = "<p>Sending it again later may help.</p>" if rejection.retryable else ""
    return f"""
<p class="reason">{escape(rejection.message)}</p>
<p>No probability is given. The other films of the job are not affected.</p>{again}
<p class="code">Code <code>{escape(rejection.code)}</code></p>
{_judged_by(rejection.model) if rejection.model else ""}"""


def _judged_by(model: ModelIdentity) -> str:
    return f"""
<dl class="facts">
  <div><dt>Model</dt><dd>{escape(model.name)}</dd></div>
  <div><dt>Version</dt><dd>{model.version}</dd></div>
  <div><dt>Engine</dt><dd>{escape(model.engine)}</dd></div>
</dl>"""


def _viewer(job_id: str, row: JobResult, with_heatmap: bool) -> str:
    base = f"v1/jobs/{escape(job_id)}/images/{row.index}"
    film = f'<img class="film" src="{base}/film.png" alt="The film {escape(row.image.name)}">'
    if not with_heatmap:
        return f'<div class="light-box">{film}</div>'
    return f"""
<div class="light-box">{film}<img class="heat" src="{base}/heatmap.png" alt="Heatmap over the film"></div>
<div class="opacity">
  <label for="heat-opacity">Heatmap</label>
  <input id="heat-opacity" type="range" min="0" max="100" step="5" value="60" aria-describedby="heat-caption">
  <span class="ramp" aria-hidden="true"></span><span class="ramp-words" aria-hidden="true">less to more</span>
</div>
<p class="caption" id="heat-caption">{CAPTION}</p>"""


def _no_picture(sentence: str = "This file cannot be shown.") -> str:
    return f'<div class="light-box dark-box"><p>{sentence}</p></div>'
