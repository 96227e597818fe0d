"""Results as CSV, row by row, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from cxr.schemas import JobResult, JobState, Prediction, Rejection

COLUMNS = (
    "index",
    "name",
    "sha256",
    "size_bytes",
    "answer",
    "finding",
    "probability",
    "ood_score",
    "code",
    "message",
    "model",
    "model_version",
    "engine",
    "notes",
    "sent_sha256",
    "sent_size_bytes",
)
# A spreadsheet takes a cell that starts so for a formula (OWASP, CSV injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(results: Iterable[JobResult], state: JobState) -> Iterator[str]:
    """A heading and one line per image of a job in this state.

    ``answer`` is prediction, rejection, waiting or cancelled; ``notes`` are codes of what is remarkable of the film,
    with spaces between.
    """
    yield _line(COLUMNS)
    for row in results:
        yield _line(cells(row, state))


def safe_text(text: str) -> str:
    """Text that no spreadsheet runs: what would start a formula gets an apostrophe before it."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def cells(row: JobResult, state: JobState) -> list[object]:
    """A line's cells, in the order of ``COLUMNS``."""
    image = [row.index, safe_text(row.image.name), row.image.sha256, row.image.size_bytes]
    sent = [row.image.sent_sha256, row.image.sent_size_bytes]
    result = row.result
    match result:
        case Prediction():
            said = [result.finding.value, result.probability, result.ood_score, None, None]
        case Rejection():
            said = [None, None, result.ood_score, result.code, safe_text(result.message)]
        case None:
            said = [None] * 5
    answered_by = result.model if result else None
    model = [safe_text(answered_by.name), answered_by.version, answered_by.engine] if answered_by else [None] * 3
    notes = " ".join(note.code for note in result.notes) if isinstance(result, Prediction) else None
    return [*image, result.kind if result else state.unanswered, *said, *model, notes, *sent]


def _line(cells: Iterable[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
