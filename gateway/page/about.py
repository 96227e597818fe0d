"""The page's head, and what the served model says of itself."""

from __future__ import annotations

from collections.abc import Mapping

from cxr.errors import CxrError, every_error
from cxr.schemas import Estimate
from cxr.triton import ServedModel
from gateway.page.advice import advice
from gateway.page.calibration import calibration
from gateway.page.words import LUNGS, NOTICE, escape, percent

HEAD = f"""
<header class="head">
  <div class="brand">
    {LUNGS}
    <div><h1>PneumoServe</h1><p>Pneumonia on frontal chest X-rays of children aged 1 to 5</p></div>
  </div>
  <p class="notice" role="note">{NOTICE}</p>
</header>"""

FIGURES = {
    "auc": "AUC",
    "f1": "F1",
    "brier": "Brier score",
    "answered_accuracy": "accuracy where answered",
    "coverage": "share of films answered",
}

# docs/model_card.md, in which each of these stands
LIMITS = (
    "Normals and pneumonias were recorded differently there; the training scrambles recordings to break that tie, and"
    " the shortcut audit in the results says how far it succeeded.",
    "On adults a model of these films is not fit for use: films from elsewhere in the results are the reason.",
    "The intervals are as wide as the test set is small: the official 624 films, of other patients. Films from "
    "another hospital will give lower figures than these.",
    "Calibration holds for equal shares of both classes; where pneumonia is rarer, the probability is too high.",
    "With the lung fields covered its AUC is 0.987 (0.5 were no answer): the nearer to that of the whole film, the "
    "more of the answer can be had from outside the lungs.",
    "Which noise or blur is refused although the answer would stand is in the results (spoilt films).",
    "The heatmap shows where the evidence for this network lies, not where the disease is.",
)
HEATMAP = (
    "Each cell of the map is what its part of the film adds to the log-odds of the probability: together they are those"
    " log-odds. Warm parts raised the probability, those that lowered it are left clear. Between cells the colours are"
    " interpolated."
)


def about(served: ServedModel) -> str:
    """HTML of the model card: what it is for, how it was measured, what its probabilities meant."""
    card, point = served.card, served.card.operating_point
    return f"""
<section class="panel about" aria-label="Model card">
  <h2>Model card: {escape(card.name)} version {card.version}</h2>
  <p class="intended"><strong>Intended use.</strong> {escape(card.intended_use)}</p>
  <dl class="facts">
    <div><dt>Engine</dt><dd>{escape(served.engine)}</dd></div>
    <div><dt>Architecture</dt><dd>{escape(card.architecture)}, films at {card.image_size_px} px</dd></div>
    <div><dt>Operating point</dt><dd>{percent(point.threshold)}</dd></div>
    <div><dt>Indeterminate</dt>
      <dd>{percent(point.indeterminate_low)} to {percent(point.indeterminate_high)}</dd></div>
    <div><dt>Made</dt><dd>{card.created:%Y-%m-%d}</dd></div>
    <div><dt>Weights, SHA-256</dt><dd><code>{escape(card.weights_sha256[:12])}</code></dd></div>
  </dl>
  <div class="measured">
    <div><h3>What its probabilities meant</h3>{calibration(card)}</div>
    <div><h3>Measured</h3>{_measured(card.metrics)}
      <h3>Data</h3><p>{escape(card.attribution)}</p>
      <p><a href="v1/model" target="_blank" rel="noopener">The whole card as JSON</a></p></div>
  </div>
  <h3>Limits</h3><ul class="limits">{"".join(f"<li>{limit}</li>" for limit in LIMITS)}</ul>
  <h3>The heatmap</h3><p>{HEATMAP}</p>
</section>"""


def foot(served: ServedModel | None) -> str:
    """HTML of the page's end; ``served`` is None while no model answers. Which one judged a film is said beside it."""
    model = "" if served else "No model answers at the moment. "
    return f"""
<footer class="foot"><p>{model}<a href="#system" data-card>Model card</a></p>
  <p><a href="docs">HTTP API</a></p></footer>"""


def no_model(error: CxrError) -> str:
    """HTML in place of the card while the model cannot be asked."""
    sentence = f"{escape(str(error))} {advice(error.code)}"
    return f'<section class="panel about" aria-label="Model card"><p>{sentence}</p></section>'


def codes() -> str:
    """HTML of every code: what happened, and what to do."""
    rows = "".join(
        f'<tr><th scope="row"><code>{error.code}</code></th><td>{escape(error.sentence)} {advice(error.code)}</td></tr>'
        for error in every_error()
    )
    return f"""
<section class="panel codes" aria-label="Codes">
  <details><summary>What the codes mean, and what to do</summary>
  <table>
    <thead><tr><th scope="col">Code</th><th scope="col">What happened, what to do</th></tr></thead>
    <tbody>{rows}</tbody></table></details>
</section>"""


def _measured(metrics: Mapping[str, Mapping[str, Estimate]]) -> str:
    """A table: one row per figure, one column per set."""
    names = list(dict.fromkeys(name for estimates in metrics.values() for name in estimates))
    heads = "".join(
        f'<th scope="col">{escape(part)} <span class="of-95">(95 % interval)</span></th>' for part in metrics
    )
    lines = "".join(
        f'<tr><th scope="row">{escape(_figure(name))}</th>'
        + "".join(
            f"<td>{_estimate(estimates[name]) if name in estimates else ''}</td>" for estimates in metrics.values()
        )
        + "</tr>"
        for name in names
    )
    return f"""
<div class="wide" tabindex="0" role="region" aria-label="Measured figures"><table>
  <thead><tr><td></td>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"""


def _figure(name: str) -> str:
    return FIGURES.get(name, name.replace("_", " "))


def _estimate(estimate: Estimate) -> str:
    return f'{estimate.value:.3f} <span class="of-95">({estimate.low:.3f} to {estimate.high:.3f})</span>'
