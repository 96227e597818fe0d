"""What a probability like this one meant on the test set, in words and with its uncertainty."""

from __future__ import annotations

import math

from cxr.schemas import ModelCard, OperatingPoint, ReliabilityBin
from gateway.page.words import count, whole

Z95 = 1.959964  # the normal distribution's two-sided 95 % point
FEWEST = 20  # below it the share is so uncertain that the sentence says so


def similar_films(card: ModelCard, probability: float) -> str:
    """HTML of the test films with a probability like this one; empty where the card does not tell."""
    bins = [part for part in card.reliability if part.count]
    found = next((part for part in bins if part.low <= probability <= part.high), None)
    if found is None or found.observed is None:
        return ""
    low, high = wilson(found.observed, found.count)
    share = whole(found.observed)
    few = " These are few films, so take it with care." if found.count < FEWEST else ""
    return f"""
<section class="meaning">
  <h3>What similar probabilities meant</h3>
  <div class="share" role="img" aria-label="{share}, 95 % interval {whole(low)} to {whole(high)}">
    <span class="share-interval" style="left:{low:.2%};width:{high - low:.2%}"></span>
    <span class="share-value" style="left:{found.observed:.2%}"></span>
  </div>
  <p>Of <strong>{count(found.count, "test film")}</strong> between {whole(found.low)} and {whole(found.high)},
    <strong>{_had(found)}</strong> had pneumonia: {share} (95 % interval {whole(low)} to {whole(high)}).{few}</p>
  <p class="caption">{whole(_share(bins))} of all test films had pneumonia. In a ward where fewer children have
    pneumonia, the true chance is lower than this.</p>
</section>"""


def undecided_meant(card: ModelCard) -> str:
    """A sentence on the probabilities of the indeterminate band; empty where they meant about what they say.

    A bin counts with its middle; too high or too low is what lies outside the 95 % interval of what was observed.
    """
    bins = [part for part in card.reliability if part.count and _undecided(part, card.operating_point)]
    films = sum(part.count for part in bins)
    if not films:
        return ""
    stated = sum(_middle(part) * part.count for part in bins) / films
    observed = _share(bins)
    low, high = wilson(observed, films)
    if low <= stated <= high:
        return ""
    wrong = "too high" if stated > high else "too low"
    return (
        f"Probabilities in this range were {wrong} on the test films: about {whole(stated)} was stated"
        f" on average, and {whole(observed)} had pneumonia."
    )


def wilson(share: float, number: int) -> tuple[float, float]:
    """The 95 % interval of a share observed in ``number`` films (Wilson 1927)."""
    spread = Z95 * math.sqrt(share * (1 - share) / number + Z95**2 / (4 * number**2))
    middle, scale = share + Z95**2 / (2 * number), 1 + Z95**2 / number
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def _undecided(part: ReliabilityBin, point: OperatingPoint) -> bool:
    return point.indeterminate_low <= _middle(part) < point.indeterminate_high


def _middle(part: ReliabilityBin) -> float:
    return (part.low + part.high) / 2


def _had(part: ReliabilityBin) -> str:
    return f"{round((part.observed or 0) * part.count):,}"


def _share(bins: list[ReliabilityBin]) -> float:
    return sum((part.observed or 0) * part.count for part in bins) / sum(part.count for part in bins)
