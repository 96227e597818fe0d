"""The page's words and signs for answers; text from outside is escaped here."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cxr.notes import NoteCode
from cxr.schemas import Finding, ImageResult, Prediction
from gateway.worklists import Answer

NBSP = "\N{NO-BREAK SPACE}"
NOTICE = (
    "Research and demonstration; not a medical device. Findings must not be used for diagnosis or treatment."
    " Do not upload films that identify a patient."
)
LUNGS = """<svg viewBox="0 0 32 32" width="30" height="30" aria-hidden="true" fill="none" stroke="currentColor"
  stroke-width="2" stroke-linecap="round" stroke-linejoin="round">
  <path d="M16 4v10M16 14c-2 3-3 3-5 5M16 14c2 3 3 3 5 5"/>
  <path d="M12 9c-4 1-8 8-8 15 0 4 2 4 5 3s3-2 3-5z"/><path d="M20 9c4 1 8 8 8 15 0 4-2 4-5 3s-3-2-3-5z"/></svg>"""


@dataclass(frozen=True)
class Words:
    """How an answer is called: a title, a sign that works without colour, a style, a sentence."""

    title: str
    sign: str
    style: str
    sentence: str


FINDINGS = {
    Finding.PNEUMONIA: Words(
        "Pneumonia",
        "●",
        "pneumonia",
        "The model says pneumonia.",
    ),
    Finding.NO_PNEUMONIA: Words(
        "No sign of pneumonia",
        "○",
        "clear",
        "The model sees no sign of pneumonia. This does not rule it out.",
    ),
    Finding.INDETERMINATE: Words(
        "Indeterminate",
        "◐",
        "indeterminate",
        "The model does not decide: read the film as if there were no answer.",
    ),
}
REFUSED = Words("Not judged", "✕", "refused", "")
WAITING = Words("Not answered yet", "…", "waiting", "The film is stored and has not been judged yet.")

ANSWERS = {
    Answer.PNEUMONIA: FINDINGS[Finding.PNEUMONIA],
    Answer.INDETERMINATE: FINDINGS[Finding.INDETERMINATE],
    Answer.REFUSED: REFUSED,
    Answer.NO_PNEUMONIA: FINDINGS[Finding.NO_PNEUMONIA],
    Answer.WAITING: WAITING,
}


def words_for(result: ImageResult | None) -> Words:
    """The words for one image's answer, or for having none yet."""
    if result is None:
        return WAITING
    return FINDINGS[result.finding] if isinstance(result, Prediction) else REFUSED


# Codes whose words alone would not read well in a list.
SHORT_REASONS = {
    "not_chest_xray": "not a chest X-ray",
    "inverted_film": "grey levels inverted",
    "corrupt_dicom": "damaged DICOM file",
    "corrupt_image": "damaged file",
    "multi_frame_dicom": "several frames",
    "poison_image": "set aside",
}


def short_reason(code: str) -> str:
    """A refusal's code in two or three words."""
    return SHORT_REASONS.get(code, code.replace("_", " "))


# Codes of notes likewise.
SHORT_NOTES: dict[str, str] = {
    NoteCode.AGE_OUTSIDE_VALIDATED_RANGE: "age outside 1 to 5",
    NoteCode.BURNT_IN_TEXT_DECLARED: "text burnt in",
    NoteCode.BURNT_IN_TEXT_SEEN: "text burnt in",
}


def short_notes(codes: Sequence[str]) -> list[str]:
    """Notes' codes in two or three words each, none twice."""
    return list(dict.fromkeys(SHORT_NOTES.get(code, code.replace("_", " ")) for code in codes))


def percent(probability: float) -> str:
    """A probability for people: no finer than it was measured, and no model is ever certain."""
    if probability > 0.99:
        return f">{NBSP}99{NBSP}%"
    if probability < 0.01:
        return f"<{NBSP}1{NBSP}%"
    return whole(probability)


def whole(share: float) -> str:
    """A share as a whole percentage."""
    return f"{share * 100:.0f}{NBSP}%"


def escape(text: str) -> str:
    """Text for HTML, inert also in the template languages of the page's components (``${}`` and ``{{}}``)."""
    return html.escape(text).replace("$", "&#36;").replace("{", "&#123;").replace("`", "&#96;")


def count(number: int, noun: str) -> str:
    """``1 film``, ``1,200 films``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """A time in one unit: ``45 s``, ``12 min``, ``3 h``."""
    unit, length_s = ("s", 1) if seconds < 90 else ("min", 60) if seconds < 90 * 60 else ("h", 3600)
    return f"{math.floor(seconds / length_s + 0.5)} {unit}"


def moment(at: datetime) -> str:
    """HTML of a time, which ``page.js`` says as the reader's own clock does."""
    return f'<time datetime="{at.isoformat()}">{at:%Y-%m-%d %H:%M} UTC</time>'
