"""The answers as one file: CSV, JSON or NDJSON, whole or not there at all."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO

from cxr.schemas import JobResult, JobState, Prediction, Rejection
from gateway.tables import COLUMNS, cells, safe_text

SHOWN_REFUSALS = 20


class OutputFormat(StrEnum):
    CSV = "csv"
    JSON = "json"
    NDJSON = "ndjson"

    @classmethod
    def of(cls, path: Path) -> OutputFormat | None:
        """By the file's ending."""
        ending = path.suffix.lower().removeprefix(".")
        return cls(ending) if ending in list(cls) else None


@dataclass
class Summary:
    """How many files were sent and opened, how many images got which answer, and every refusal by name."""

    answers: Counter[str] = field(default_factory=Counter)
    refusals: list[tuple[str, str]] = field(default_factory=list)
    files_sent: int = 0
    files_not_sent: int = 0
    zips_opened: int = 0
    passed_over: int = 0

    @property
    def images(self) -> int:
        return self.answers.total()

    def count(self, row: JobResult) -> None:
        match row.result:
            case Prediction():
                self.answers[row.result.finding.value] += 1
            case Rejection():
                self.answers["refused"] += 1
                self.refusals.append((row.image.name, f"{row.result.code}: {row.result.message}"))
            case None:
                self.answers["unanswered"] += 1

    def lines(self) -> list[str]:
        """For people, refusals one by one, of many the first ones."""
        counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(self.answers.items()))
        shown = [f"  refused: {name}: {why}" for name, why in self.refusals[:SHOWN_REFUSALS]]
        more = len(self.refusals) - len(shown)
        return [
            self._totals(),
            f"{self.images} images: {counts}",
            *shown,
            *([f"  and {more} more refused"] if more else []),
        ]

    def _totals(self) -> str:
        opened = f" ({self.zips_opened} zip{'s' * (self.zips_opened != 1)} opened)" if self.zips_opened else ""
        apart = [(self.files_not_sent, "not sent"), (self.passed_over, "passed over")]
        rest = "".join(f", {count} {what}" for count, what in apart if count)
        return f"{self.files_sent} files sent, {self.images} rows{opened}{rest}"


class Output:
    """Rows are written to ``PATH.part``; ``finish`` puts it in the place of PATH. Raises ``OSError``."""

    def __init__(self, path: Path, file_format: OutputFormat) -> None:
        self._path, self._format = path, file_format
        self._part = path.with_name(path.name + ".part")
        self._file: IO[str] = self._part.open("w", newline="", encoding="utf-8")
        self._rows = 0
        self.summary = Summary()
        if file_format is OutputFormat.CSV:
            csv.writer(self._file).writerow(("path", "job_id", *COLUMNS))

    def write(self, path: str, job_id: str, row: JobResult, state: JobState = JobState.DONE) -> None:
        """One image of a local file and of a job in this state; ``job_id`` is empty for a file that is in no job."""
        self.summary.count(row)
        if self._format is OutputFormat.CSV:
            csv.writer(self._file).writerow((safe_text(path), job_id, *cells(row, state)))
        else:
            before = {OutputFormat.NDJSON: "", OutputFormat.JSON: ",\n" if self._rows else '{"rows": [\n'}
            text = json.dumps({"path": path, "job_id": job_id, **row.model_dump(mode="json")})
            self._file.write(before[self._format] + text + "\n" * (self._format is OutputFormat.NDJSON))
        self._rows += 1

    def finish(self) -> None:
        """Make the file whole, durable, and put it in its place."""
        if self._format is OutputFormat.JSON:
            self._file.write("\n]}\n" if self._rows else '{"rows": []}\n')
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._part.replace(self._path)

    def abandon(self) -> None:
        """Leave nothing half-written."""
        self._file.close()
        self._part.unlink(missing_ok=True)
