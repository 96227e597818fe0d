"""One box: decodes one file at a time in a process that may die of it, and is then another."""

from __future__ import annotations

import signal
from contextlib import suppress

import numpy as np

from cxr.errors import DecoderCrashed, DecoderUnavailable, DecodeTimeout, ImageRejected, every_error
from cxr.imaging import IMAGE_SIZE_PX, Film
from cxr.notes import NoteCode
from cxr.telemetry import logger
from worker.child import BoxPlan, Child
from worker.wire import MAX_REFUSAL_BYTES, Kind

log = logger(__name__)

START_ATTEMPTS = 3

REFUSALS = {error.code: error for error in every_error(ImageRejected)}


class Box:
    """For one thread, and as long as that thread: the process inside dies with it."""

    def __init__(self, plan: BoxPlan) -> None:
        self._plan = plan
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """The process inside, if there is one at the moment."""
        return self._child.pid if self._child else None

    def warm(self) -> None:
        """Have a process start inside, without waiting for it; if that fails, ``decode`` will try again and say so."""
        with suppress(DecoderUnavailable):
            self._child = self._child or Child(self._plan)

    def decode(self, content: bytes) -> Film:
        """Decode one file.

        Raises ``ImageRejected`` (after ``DecodeTimeout`` and ``DecoderCrashed`` the process inside is another),
        ``DecoderUnavailable`` when no process can be started.
        """
        try:
            return self._attempt(content)
        except _Killed:  # no file does that: someone else did, such as a kernel short of memory
            try:
                return self._attempt(content)
            except _Killed as error:
                raise DecoderCrashed("killed twice") from error

    def close(self) -> None:
        if self._child:
            self._child.kill()
            self._child = None

    def _attempt(self, content: bytes) -> Film:
        child = self._ready_child()
        try:
            kind, answer = child.ask(content, self._plan)
            return _read(kind, answer)
        except TimeoutError as error:
            self._replace()
            raise DecodeTimeout(f"at most {self._plan.timeout_s:g} s of a processor") from error
        except (EOFError, OSError) as error:
            raise _cause(self._replace()) from error
        except ValueError as error:
            self._replace()
            raise DecoderCrashed(str(error)) from error

    def _ready_child(self) -> Child:
        if self._child and not self._child.alive:  # it died between two files, so of none
            self.close()
        for attempts_left in reversed(range(START_ATTEMPTS)):
            child = self._child = self._child or Child(self._plan)
            try:
                child.await_ready()
                break
            except DecoderUnavailable:
                self.close()
                if not attempts_left:
                    raise
        return child

    def _replace(self) -> int:
        """End the process inside and start another; how the first ended."""
        status = self._child.kill() if self._child else 0
        self._child = None
        log.warning("box_replaced", status=status)
        self.warm()
        return status


class _Killed(Exception):
    """The process inside got a SIGKILL that was not ours."""


def _read(kind: Kind, answer: bytes) -> Film:
    """The film or the refusal in an answer. Raises ``ValueError`` for a fault, and for what is neither."""
    if kind is Kind.FILM and len(answer) >= IMAGE_SIZE_PX**2:
        pixels = np.frombuffer(answer, np.uint8, IMAGE_SIZE_PX**2)
        codes = answer[IMAGE_SIZE_PX**2 :].decode("ascii")
        notes = tuple(NoteCode(code) for code in codes.split(",") if code)
        return Film(pixels.reshape(1, IMAGE_SIZE_PX, IMAGE_SIZE_PX), notes)
    text = answer[:MAX_REFUSAL_BYTES].decode(errors="replace")
    code, _, detail = text.partition("\0")
    if kind is Kind.REFUSED and code in REFUSALS:
        raise REFUSALS[code](detail)
    raise ValueError(text if kind is Kind.FAULT else "no answer")


def _cause(status: int) -> DecoderCrashed | _Killed:
    """Why a process ended that was not asked to."""
    if status == -signal.SIGKILL:
        return _Killed()
    return DecoderCrashed(signal.Signals(-status).name if status < 0 else f"exit status {status}")
