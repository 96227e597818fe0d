"""Decoding that hostile files cannot take down: every file is decoded in one of a few processes that may die of it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Lock, Thread

from cxr.decoding import Film
from cxr.errors import DecoderUnavailable, ImageRejected
from cxr.schemas import Rejection
from worker.box import Box
from worker.child import BoxPlan


@dataclass(frozen=True)
class _Work:
    content: bytes
    answer: Future[Film | Rejection] = field(default_factory=Future)


class BoxedDecoder:
    """A ``cxr.decoding.Decoder``: ``boxes`` processes, each with one file in hand at a time and a thread to attend it.

    A file that crashes or outlasts its box is refused, the box replaced; no other file notices. Safe to call from any
    thread; files of several callers are taken in the order they came.
    """

    def __init__(self, boxes: int = 2, plan: BoxPlan | None = None) -> None:
        self._boxes = [Box(plan or BoxPlan()) for _ in range(boxes)]
        self._attendants = [Thread(target=self._attend, args=(box,), name="box", daemon=True) for box in self._boxes]
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self._lock, self._started, self._closed = Lock(), False, False

    def __enter__(self) -> BoxedDecoder:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """The processes inside the boxes at the moment."""
        return [pid for box in self._boxes if (pid := box.pid)]

    def start(self) -> None:
        """Start the processes, without waiting until they are ready; calling it again does nothing."""
        with self._lock:
            if not self._started:
                self._started = True
                for attendant in self._attendants:
                    attendant.start()

    def decode(self, files: Sequence[bytes]) -> list[Film | Rejection]:
        """One answer per file, in order. Raises ``DecoderUnavailable`` when no process starts, and after ``close``."""
        self.start()
        pieces = [_Work(content) for content in files]
        with self._lock:
            if self._closed:
                raise DecoderUnavailable("closed")
            for piece in pieces:
                self._work.put(piece)
        try:
            return [piece.answer.result() for piece in pieces]
        finally:
            for piece in pieces:
                piece.answer.cancel()  # has an effect only on what is still waiting after an error

    def close(self) -> None:
        """Finish what was handed in, then end the processes."""
        with self._lock:
            started, self._closed = self._started and not self._closed, True
        if started:
            for _ in self._attendants:
                self._work.put(None)
            for attendant in self._attendants:
                attendant.join()

    def _attend(self, box: Box) -> None:
        box.warm()
        while work := self._work.get():
            if work.answer.set_running_or_notify_cancel():
                try:
                    work.answer.set_result(_decoded(box, work.content))
                except Exception as error:  # noqa: BLE001  (raised again where the answer is awaited)
                    work.answer.set_exception(error)
        box.close()


def _decoded(box: Box, content: bytes) -> Film | Rejection:
    try:
        return box.decode(content)
    except ImageRejected as error:
        return Rejection.of(error)
