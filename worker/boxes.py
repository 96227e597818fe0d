"""Decoding that hostile files cannot take down: every file is decoded in one of a few processes that may die of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Condition, Thread

from cxr.errors import DecoderUnavailable, ImageRejected
from cxr.imaging import Film
from cxr.schemas import Rejection
from worker.box import Box
from worker.child import BoxPlan

Answer = Future[Film | Rejection]


class BoxedDecoder:
    """A ``cxr.decoding.Decoder``: ``boxes`` processes, each with one file in hand at a time and a thread to attend it.

    A file that crashes or outlasts its box is refused, the box replaced; no other file notices. Safe to call from any
    thread; callers take turns, a file each: one film does not wait until another caller's 64 are decoded.
    """

    def __init__(self, boxes: int = 2, plan: BoxPlan | None = None) -> None:
        self._boxes = [Box(plan or BoxPlan()) for _ in range(boxes)]
        self._attendants = [Thread(target=self._attend, args=(box,), name="box", daemon=True) for box in self._boxes]
        self._turns: SimpleQueue[_Files | None] = SimpleQueue()
        self._changed = Condition()
        self._callers, self._started, self._closed = 0, False, False

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
        with self._changed:
            if not self._started:
                self._started = True
                for attendant in self._attendants:
                    attendant.start()

    def decode(self, files: Sequence[bytes]) -> list[Film | Rejection]:
        """One answer per file, in order. Raises ``DecoderUnavailable`` when no process starts, and after ``close``."""
        self.start()
        mine = _Files(files)
        with self._changed:
            if self._closed:
                raise DecoderUnavailable("closed")
            self._callers += 1
        try:
            if files:
                self._turns.put(mine)
            return [answer.result() for answer in mine.answers]
        finally:
            mine.forget()
            with self._changed:
                self._callers -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Wait until nobody is being answered, then end the processes."""
        with self._changed:
            started, self._closed = self._started and not self._closed, True
            self._changed.wait_for(lambda: self._callers == 0)
        if started:
            for _ in self._attendants:
                self._turns.put(None)
            for attendant in self._attendants:
                attendant.join()

    def _attend(self, box: Box) -> None:
        box.warm()
        while (files := self._turns.get()) is not None:
            content, answer = files.take()
            if files:
                self._turns.put(files)
            if answer.set_running_or_notify_cancel():
                try:
                    answer.set_result(_decoded(box, content))
                except Exception as error:  # noqa: BLE001  (raised again where the answer is awaited)
                    answer.set_exception(error)
        box.close()


class _Files:
    """The files of one caller that are still to be decoded; who has it from the queue is the only one to take."""

    def __init__(self, files: Sequence[bytes]) -> None:
        self.answers: list[Answer] = [Future() for _ in files]
        self._left = deque(zip(files, self.answers, strict=True))

    def __bool__(self) -> bool:
        return bool(self._left)

    def take(self) -> tuple[bytes, Answer]:
        return self._left.popleft()

    def forget(self) -> None:
        """Have no more of them decoded; has an effect only after an error."""
        for answer in self.answers:
            answer.cancel()


def _decoded(box: Box, content: bytes) -> Film | Rejection:
    try:
        return box.decode(content)
    except ImageRejected as error:
        return Rejection.of(error)
