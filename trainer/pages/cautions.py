"""How figures came about, where that makes them better than they would be elsewhere; said beside them on every page."""

from __future__ import annotations

WHAT_THE_SETS_SAW = (
    "On the validation films epochs, networks, calibration, threshold, band and refusal were chosen: their column says "
    "how well that fits, not what to expect, and its intervals do not know of it. No value was computed from test "
    "films. But test figures of earlier networks on Kermany's films had been seen when the trainer's rule for the "
    "threshold was changed and when the width of films was found to tell their classes (PneumoServe's experiments, 3, "
    "30 and 31); on films that nobody has looked at, figures would be a little lower."
)
REFUSED_OF_NIH = (
    "Three quarters of NIH's patients taught the refusal and set its limit, so the share refused of them says little; "
    "that of the last quarter stands in the results under refusal."
)
