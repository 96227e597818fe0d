"""The viewer: one film on a light box, its heatmap over it, and the tools that ``viewer.js`` moves them with."""

from __future__ import annotations

from collections.abc import Sequence

from cxr.schemas import JobResult
from gateway.overlay import faint
from gateway.page.words import escape

KEYS = (
    ("+ −", "zoom"),
    ("0", "fit"),
    ("← ↑ → ↓", "move"),
    ("[ ]", "brightness"),
    ("{ }", "contrast"),
    ("I", "invert"),
    ("H", "heatmap on, off"),
    ("R", "reset all"),
    ("N P", "next, previous film"),
)
# Brightness, contrast and inversion are one straight line from grey to grey, drawn by the browser.
WINDOW = """
<svg class="window" width="0" height="0" aria-hidden="true"><filter id="film-window" color-interpolation-filters="sRGB">
  <feComponentTransfer><feFuncR type="linear"/><feFuncG type="linear"/><feFuncB type="linear"/></feComponentTransfer>
</filter></svg>"""


def viewer(job_id: str, row: JobResult, heatmap: Sequence[Sequence[float]] | None) -> str:
    """HTML of a film that can be looked at; ``heatmap``, [h][w], where it was judged."""
    base = f"v1/jobs/{escape(job_id)}/images/{row.index}"
    heat = f'<img class="heat" src="{base}/heatmap.png" alt="Heatmap over the film" draggable="false">'
    return f"""
<div class="light-box" tabindex="0" role="group" data-film="{base}"
  aria-label="Film viewer" aria-describedby="viewer-keys">
  <p class="loading" role="status">Loading the film</p>
  <div class="stage">
    <img class="film" src="{base}/film.png" alt="The film {escape(row.image.name)}" draggable="false">
    {heat if heatmap else ""}
  </div>
  <output class="zoom-said" aria-label="Zoom">100 %</output>
</div>{WINDOW}
<div class="tools" role="group" aria-label="Viewer tools">
  {_heat_slider() if heatmap else ""}
  {_slider("brightness", "Brightness")}
  {_slider("contrast", "Contrast")}
  <div class="buttons">
    {_button("zoom-out", "−", "Zoom out")}{_button("zoom-in", "+", "Zoom in")}{_button("fit", "Fit", "Fit the film")}
    <button type="button" data-do="invert" aria-pressed="false">Invert</button>
    {_button("reset", "Reset", "Reset the viewer")}
  </div>
</div>
{f'<p class="caption" id="heat-caption">{_of_heatmap(heatmap)}</p>' if heatmap else ""}
<details class="keys"><summary>Keys and gestures</summary>
  <dl>{"".join(f"<div><dt>{_caps(key)}</dt><dd>{does}</dd></div>" for key, does in KEYS)}</dl>
  <p id="viewer-keys">With the film in focus: the wheel or two fingers zoom, dragging moves a zoomed film, dragging with
  Shift sets contrast and brightness, a double click zooms to that place.</p>
</details>"""


def _of_heatmap(heatmap: Sequence[Sequence[float]]) -> str:
    if faint(heatmap):
        return "No area raised the probability so much that it could be seen: the heatmap is empty."
    return (
        f"A coarse map, {len(heatmap)} x {len(heatmap[0])} squares: its borders are not those of a lesion. Warmth over"
        " a marker, over an arm or outside the chest: distrust the answer."
    )


def no_picture(sentence: str = "This file cannot be shown.") -> str:
    """HTML in place of the viewer."""
    return f'<div class="light-box dark-box"><p>{sentence}</p></div>'


def _heat_slider() -> str:
    return """
<div class="slider"><label for="heat-opacity">Heatmap</label>
  <input id="heat-opacity" type="range" min="0" max="100" step="5" value="60" aria-describedby="heat-caption">
  <p class="legend">Evidence for pneumonia: <span>none <i class="ramp" aria-hidden="true"></i> strong</span></p>
</div>"""


def _caps(keys: str) -> str:
    return " ".join(f"<kbd>{key}</kbd>" for key in keys.split())


def _slider(name: str, label: str) -> str:
    return f"""
<div class="slider"><label for="film-{name}">{label}</label>
  <input id="film-{name}" type="range" min="-100" max="100" step="4" value="0">
</div>"""


def _button(does: str, sign: str, label: str) -> str:
    return f'<button type="button" data-do="{does}" aria-label="{label}">{sign}</button>'
