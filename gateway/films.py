"""The pictures of one image of a job: the film, its heatmap, and both together.

Only what a worker has decoded and lived is decoded here: a file that stops its reader never reaches the gateway's.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock

from PIL import Image

from cxr.errors import CxrError, ImageNotFound, ResultsNotReady, error_of
from cxr.imaging import Limits, decode
from cxr.schemas import JobResult, Prediction, Rejection
from gateway.overlay import SHOWN_PX, film_png, heatmap_png, overlay_png, shown
from gateway.parts import Parts

KEPT_FILMS = 8  # about a megabyte each


class LastShown:
    """The films that were shown last, by their bytes' hash: a reader asks for a film and its heatmap at once.

    Whether a film may be seen is asked before, each time. Safe in threads; who comes second waits for the first.
    """

    def __init__(self) -> None:
        self._films: OrderedDict[str, Future[Image.Image]] = OrderedDict()
        self._lock = Lock()

    def film(self, sha256: str, draw: Callable[[], Image.Image]) -> Image.Image:
        """The film, drawn unless it is at hand. Raises what ``draw`` raises, and forgets that."""
        with self._lock:
            found = self._films.get(sha256)
            future = self._films.setdefault(sha256, Future())
            self._films.move_to_end(sha256)
            while len(self._films) > KEPT_FILMS:
                self._films.popitem(last=False)
        if found is None:
            try:
                future.set_result(draw())
            except BaseException as error:  # noqa: BLE001  (raised again below, and where it is awaited)
                with self._lock:
                    self._films.pop(sha256, None)
                future.set_exception(error)
        return future.result()


@dataclass(frozen=True)
class Films:
    """Draws from the stored bytes and the ledger's answer.

    All raise ``JobNotFound``, ``ImageNotFound``, ``LedgerUnavailable``, ``BlobsUnavailable``, and the image's own
    refusal when there is nothing to draw.
    """

    parts: Parts
    last: LastShown = field(default_factory=LastShown)

    def film(self, job_id: str, index: int) -> bytes:
        """PNG of the film alone, judged or refused for what it shows. Raises ``ResultsNotReady`` before the answer."""
        row = self.parts.jobs.result(job_id, index)
        if isinstance(row.result, Rejection) and row.result.shows_film:
            return film_png(self._shown(row))
        return film_png(self._shown(self.judged(job_id, index)[0]))

    def heatmap(self, job_id: str, index: int) -> bytes:
        """Transparent PNG of the heatmap, of the film's shown size. Raises ``ResultsNotReady`` before the answer."""
        row, prediction = self.judged(job_id, index)
        return heatmap_png(prediction.heatmap, self._shown(row).size)

    def overlay(self, job_id: str, index: int, opacity: float) -> bytes:
        """PNG of the film under its heatmap. Raises ``ResultsNotReady`` before the answer."""
        row, prediction = self.judged(job_id, index)
        return overlay_png(self._shown(row), prediction.heatmap, opacity)

    def judged(self, job_id: str, index: int) -> tuple[JobResult, Prediction]:
        """The row of a judged image. Raises ``ResultsNotReady`` before the answer, and its refusal."""
        row = self.parts.jobs.result(job_id, index)
        match row.result:
            case Prediction():
                return row, row.result
            case Rejection():
                raise _as_error(row.result)
            case None:
                raise ResultsNotReady(f"image {index}")

    def decoded(self, row: JobResult) -> Image.Image:
        """The stored film in grey levels, no smaller than it is shown."""
        if row.image.sha256 is None:
            raise ImageNotFound(f"image {row.index} was never stored")
        limits = Limits(max_file_bytes=self.parts.settings.max_file_bytes)
        return decode(self.parts.blobs.get(row.image.sha256), limits, enough_px=SHOWN_PX)

    def _shown(self, row: JobResult) -> Image.Image:
        """The film at the size it is shown."""
        return self.last.film(row.image.sha256 or "", lambda: shown(self.decoded(row)))


def _as_error(rejection: Rejection) -> CxrError:
    """The error whose code a rejection carries."""
    return error_of(rejection.code)()
