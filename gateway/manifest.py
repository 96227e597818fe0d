"""Feedback as a training manifest: one row an opinion, films named by SHA-256."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from cxr.jobs import Feedback
from gateway.tables import safe_text

COLUMNS = (
    "sha256",
    "label",
    "at",
    "reader",
    "verdict",
    "sees",
    "reason",
    "answer",
    "probability",
    "model",
    "model_version",
    "engine",
    "job_id",
    "index",
)


def write_manifest(entries: Iterable[Feedback], path: Path) -> int:
    """Write a CSV of ``COLUMNS`` (``label``: 1 pneumonia, 0 none, empty where open) and return its number of rows."""
    rows = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for said in entries:
            table.writerow(_cells(said))
            rows += 1
    return rows


def _cells(said: Feedback) -> list[object]:
    model = [said.model.name, said.model.version, said.model.engine] if said.model else [None] * 3
    opinion = [said.at.isoformat(), safe_text(said.reader), said.verdict.value, said.sees and said.sees.value]
    answer = [safe_text(said.reason), said.answer, said.probability]
    return [said.sha256, said.label, *opinion, *answer, *model, said.job_id, said.index]
