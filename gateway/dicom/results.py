"""DICOM results of a job: a structured report and a secondary capture per judged film, and an index of all images."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from pydicom.dataset import Dataset

from cxr.errors import CxrError, NoDicomOriginal
from cxr.jobs import References
from cxr.lettering import is_lettered
from cxr.schemas import InstanceReference, JobResult, JobState, Prediction, Rejection
from cxr.telemetry import logger
from gateway.auth import Caller
from gateway.cards import OperatingPoints
from gateway.dicom.capture import capture
from gateway.dicom.report import report
from gateway.films import Films
from gateway.overlay import overlaid
from gateway.parts import Parts
from gateway.streams import with_references
from gateway.tables import safe_text

log = logger("gateway.dicom")

HEATMAP_OPACITY = 0.6
INDEX_COLUMNS = ("index", "name", "answer", "code", "message", "report", "capture")


@dataclass(frozen=True)
class DicomResults:
    """Builds them from the ledger's answer, the stored film and the reference to its instance."""

    films: Films
    references: References
    points: OperatingPoints

    @classmethod
    def by(cls, parts: Parts) -> DicomResults:
        return cls(Films(parts), parts.references, OperatingPoints(parts.model))

    def seen_by(self, caller: Caller) -> DicomResults:
        """The same of the jobs that this caller sees."""
        return replace(self, films=Films(self.films.parts.seen_by(caller)))

    def report(self, job_id: str, index: int) -> bytes:
        """The structured report on one image, as a DICOM file.

        Raises ``JobNotFound``, ``ImageNotFound``, ``ResultsNotReady``, ``NoDicomOriginal``, the image's own refusal,
        ``LedgerUnavailable``.
        """
        row, prediction = self.films.judged(job_id, index)
        return as_file(self._report(job_id, row, prediction, self._reference(job_id, index)))

    def capture(self, job_id: str, index: int) -> bytes:
        """The secondary capture of one image, a DICOM file. Raises what ``report`` does, and ``BlobsUnavailable``."""
        row, prediction = self.films.judged(job_id, index)
        return as_file(self._capture(job_id, row, prediction, self._reference(job_id, index)))

    def of(self, job_id: str) -> Iterator[tuple[str, Callable[[], Dataset]]]:
        """Every report and capture of a job: its name, and how to make it; images that have none are passed over."""
        for row, reference in self._rows(job_id):
            if reference and isinstance(row.result, Prediction):
                film = job_id, row, row.result, reference
                yield f"{row.index}/report", partial(self._report, *film)
                yield f"{row.index}/capture", partial(self._capture, *film)

    def archive(self, job_id: str) -> Iterator[bytes]:
        """A zip of all of them, in blocks, one film in memory at a time; last in it ``index.csv``, a line per image.

        A film that was judged and cannot be read any more has no capture; its line says why.
        Raises ``JobNotFound`` before the first block, ``LedgerUnavailable``, and further on ``BlobsUnavailable``.
        """
        return self._archive(job_id, self.films.parts.jobs.job(job_id).state)

    def _archive(self, job_id: str, state: JobState) -> Iterator[bytes]:
        stream = _Blocks()
        index = io.StringIO()
        table = csv.writer(index)
        table.writerow(INDEX_COLUMNS)
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for row, reference in self._rows(job_id):
                names, unread = ["", ""], None
                if reference and isinstance(row.result, Prediction):
                    names = [f"{row.index:06d}-report.dcm", f"{row.index:06d}-capture.dcm"]
                    archive.writestr(names[0], as_file(self._report(job_id, row, row.result, reference)))
                    try:
                        archive.writestr(names[1], as_file(self._capture(job_id, row, row.result, reference)))
                    except CxrError as error:
                        if error.retryable:
                            raise
                        log.error("result_not_made", job_id=job_id, result=f"{row.index}/capture", code=error.code)
                        names[1], unread = "", error
                table.writerow([*_cells(row, reference, state, unread), *names])
                yield stream.taken()
            archive.writestr("index.csv", index.getvalue())
        yield stream.taken()

    def _rows(self, job_id: str) -> Iterator[tuple[JobResult, InstanceReference | None]]:
        return with_references(self.films.parts.jobs.results(job_id), self.references, job_id)

    def _reference(self, job_id: str, index: int) -> InstanceReference:
        found = self.references.get(job_id, [index])
        if index not in found:
            raise NoDicomOriginal(f"image {index}")
        return found[index]

    def _report(self, job_id: str, row: JobResult, prediction: Prediction, reference: InstanceReference) -> Dataset:
        return report(job_id, row.index, prediction, reference, self.points.of(prediction.model))

    def _capture(self, job_id: str, row: JobResult, prediction: Prediction, reference: InstanceReference) -> Dataset:
        film = self.films.decoded(row)
        picture = overlaid(film, prediction.heatmap, HEATMAP_OPACITY)
        return capture(job_id, row.index, prediction, reference, picture, lettered=is_lettered(film))


def as_file(dataset: Dataset) -> bytes:
    """A data set in DICOM's file format."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _cells(
    row: JobResult, reference: InstanceReference | None, state: JobState, unread: CxrError | None
) -> list[object]:
    result = row.result
    name = safe_text(row.image.name)
    match result:
        case Rejection():
            return [row.index, name, "rejection", result.code, safe_text(result.message)]
        case Prediction() if reference is None:
            return [row.index, name, "prediction", NoDicomOriginal.code, NoDicomOriginal.sentence]
        case Prediction() if unread:
            return [row.index, name, "prediction", unread.code, safe_text(str(unread))]
        case Prediction():
            return [row.index, name, "prediction", "", ""]
        case None:
            return [row.index, name, state.unanswered, "", ""]


class _Blocks(io.RawIOBase):
    """A file that is only written to, and emptied as it fills."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        self._waiting += content
        return len(content)

    def taken(self) -> bytes:
        """What was written since the last call."""
        content = bytes(self._waiting)
        self._waiting.clear()
        return content
