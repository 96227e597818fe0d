"""The probability on its scale, with the operating point and the indeterminate band."""

from __future__ import annotations

from cxr.schemas import OperatingPoint
from gateway.page.words import percent


def probability_scale(probability: float, point: OperatingPoint | None, style: str) -> str:
    """HTML of a scale from 0 to 100 %; without ``point`` (its model cannot be asked) only the probability is drawn."""
    said = f"Calibrated probability of pneumonia {percent(probability)}"
    band = mark = legend = ""
    if point:
        low, high = point.indeterminate_low, point.indeterminate_high
        if high > low:
            band = f'<span class="scale-band" style="left:{low:.4%};width:{high - low:.4%}"></span>'
            legend += f'<span><i class="key-band"></i>indeterminate, {percent(low)} to {percent(high)}</span>'
            said += f", indeterminate from {percent(low)} to {percent(high)}"
        mark = f'<span class="scale-point" style="left:{point.threshold:.4%}"></span>'
        legend = f'<span><i class="key-point"></i>operating point, {percent(point.threshold)}</span>' + legend
        said += f", operating point {percent(point.threshold)}"
    return f"""
<div class="scale" role="img" aria-label="{said}">
  <div class="scale-track">{band}{mark}
    <span class="scale-film {style}" style="left:{probability:.4%}"></span>
  </div>
  <div class="scale-ends" aria-hidden="true"><span>0 %</span><span>50 %</span><span>100 %</span></div>
  <div class="scale-legend" aria-hidden="true">{legend}</div>
</div>"""
