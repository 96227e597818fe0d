"""The page's head, and what the served model says of itself."""

from __future__ import annotations

from cxr.errors import CxrError
from cxr.schemas import Estimate
from cxr.triton import ServedModel
from gateway.page.words import NOTICE, escape, percent

HEAD = f"""
<header class="head">
  <div class="brand">
    <svg viewBox="0 0 32 32" width="30" height="30" aria-hidden="true" fill="none" stroke="currentColor"
      stroke-width="2" stroke-linecap="round" stroke-linejoin="round">
      <path d="M16 4v10M16 14c-2 3-3 3-5 5M16 14c2 3 3 3 5 5"/>
      <path d="M12 9c-4 1-8 8-8 15 0 4 2 4 5 3s3-2 3-5z"/><path d="M20 9c4 1 8 8 8 15 0 4-2 4-5 3s-3-2-3-5z"/>
    </svg>
    <div><h1>PneumoServe</h1><p>Pneumonia on frontal chest X-rays</p></div>
  </div>
  <p class="notice" role="note">{NOTICE}</p>
</header>"""


def about(served: ServedModel) -> str:
    """HTML of the model card's essentials, the rest one click away."""
    card, point = served.card, served.card.operating_point
    metrics = "".join(
        f"<tr><td>{escape(part)}</td><td>{escape(name)}</td><td>{_estimate(estimate)}</td></tr>"
        for part, estimates in card.metrics.items()
        for name, estimate in estimates.items()
    )
    return f"""
<footer class="panel about">
  <details>
    <summary>Model <strong>{escape(card.name)}</strong> version {card.version}, {escape(served.engine)}</summary>
    <dl class="facts">
      <div><dt>Architecture</dt><dd>{escape(card.architecture)}, {card.image_size_px} px</dd></div>
      <div><dt>Operating point</dt><dd>{percent(point.threshold)}</dd></div>
      <div><dt>Indeterminate</dt>
        <dd>{percent(point.indeterminate_low)} to {percent(point.indeterminate_high)}</dd></div>
      <div><dt>Made</dt><dd>{card.created:%Y-%m-%d}</dd></div>
    </dl>
    <h3>Intended use</h3><p>{escape(card.intended_use)}</p>
    <h3>Measured</h3>
    <table><thead><tr><th scope="col">Set</th><th scope="col">Figure</th><th scope="col">Value (95 % interval)</th></tr>
    </thead><tbody>{metrics}</tbody></table>
    <h3>Data</h3><p>{escape(card.attribution)}</p>
  </details>
</footer>"""


def no_model(error: CxrError) -> str:
    """HTML in place of the card while the model cannot be asked."""
    sentence = f"{escape(str(error))} Films are accepted all the same, and judged when it is back."
    return f'<footer class="panel about"><p>{sentence}</p></footer>'


def _estimate(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"
