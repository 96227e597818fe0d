"""The calibration picture: what stated probabilities meant on the test set, drawn as SVG."""

from __future__ import annotations

from cxr.schemas import ModelCard, ReliabilityBin
from gateway.page.meaning import wilson
from gateway.page.words import whole

WIDTH, SIDE, LEFT, RIGHT, TOP, HISTOGRAM = 440, 340, 62, 26, 12, 48
BELOW = TOP + SIDE + 14  # where the histogram starts


def calibration(card: ModelCard) -> str:
    """HTML of the picture and of the same in numbers; says so where the card was written before it was measured."""
    bins = [part for part in card.reliability if part.count and part.observed is not None]
    if not bins:
        return "<p>This model's card does not say what its probabilities meant.</p>"
    rows = "".join(_row(part) for part in bins)
    return f"""
<figure class="calibration">
  {_picture(card, bins)}
  <figcaption>Each dot: of the test films that were given about this probability, how many had pneumonia, with its 95 %
    interval. On the diagonal, a probability means what it says. Bars: how many films. Hatched: indeterminate.
    <details><summary>The same in numbers</summary>
      <table><thead><tr><th scope="col">Stated</th><th scope="col">Films</th><th scope="col">Had pneumonia</th>
        <th scope="col">95 % interval</th></tr></thead><tbody>{rows}</tbody></table></details>
  </figcaption>
</figure>"""


def _picture(card: ModelCard, bins: list[ReliabilityBin]) -> str:
    point = card.operating_point
    low, high = point.indeterminate_low, point.indeterminate_high
    ticks = "".join(_tick(share / 4) for share in range(5))
    most = max(part.count for part in bins)
    bars = "".join(_bar(part, most) for part in bins)
    dots = "".join(_dot(part) for part in bins)
    return f"""
<svg viewBox="0 0 {WIDTH} {BELOW + HISTOGRAM + 40}" role="img"
  aria-label="Calibration on the test set, in numbers below">
  <defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
    <path d="M0 0v6" class="hatch"/></pattern></defs>
  <rect x="{_x(low):.1f}" y="{TOP}" width="{_x(high) - _x(low):.1f}" height="{SIDE}" fill="url(#hatch)"/>
  {ticks}
  <path d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}" class="ideal"/>
  <path d="M{_x(point.threshold):.1f} {TOP}v{SIDE}" class="point"/>
  {bars}{dots}
  <text x="{_x(0.5)}" y="{BELOW + HISTOGRAM + 34}" class="axis">Stated probability</text>
  <text transform="translate(13 {_y(0.5)}) rotate(-90)" class="axis">Had pneumonia</text>
</svg>"""


def _tick(share: float) -> str:
    return f"""
<path d="M{_x(0)} {_y(share):.1f}H{_x(1)}M{_x(share):.1f} {TOP}v{SIDE}" class="grid"/>
<text x="{LEFT - 7}" y="{_y(share) + 4:.1f}" text-anchor="end">{whole(share)}</text>
<text x="{_x(share):.1f}" y="{BELOW + HISTOGRAM + 16}" text-anchor="middle">{whole(share)}</text>"""


def _bar(part: ReliabilityBin, most: int) -> str:
    height = HISTOGRAM * part.count / most
    left, right = _x(part.low) + 2, _x(part.high) - 2
    y = BELOW + HISTOGRAM - height
    return f'<rect x="{left:.1f}" y="{y:.1f}" width="{right - left:.1f}" height="{height:.1f}" class="films"/>'


def _dot(part: ReliabilityBin) -> str:
    observed = part.observed or 0.0
    low, high = wilson(observed, part.count)
    x = _x((part.low + part.high) / 2)
    return (
        f'<path d="M{x:.1f} {_y(low):.1f}V{_y(high):.1f}" class="interval"/>'
        f'<circle cx="{x:.1f}" cy="{_y(observed):.1f}" r="5" class="observed"/>'
    )


def _row(part: ReliabilityBin) -> str:
    observed = part.observed or 0.0
    low, high = wilson(observed, part.count)
    return f"""
<tr><th scope="row">{whole(part.low)} to {whole(part.high)}</th><td>{part.count:,}</td><td>{whole(observed)}</td>
  <td>{whole(low)} to {whole(high)}</td></tr>"""


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return TOP + (1 - share) * SIDE
