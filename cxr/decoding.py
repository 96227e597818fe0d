"""Files to tensors, a batch at a time: what the Predictor decodes through, and the way that Python clients use.

The worker has another way, in processes that may die (``worker.boxes``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Protocol

from cxr.errors import DecoderCrashed, ImageRejected
from cxr.imaging import DEFAULT_LIMITS, Film, Limits, examine
from cxr.schemas import Rejection

Decode = Callable[[bytes, Limits], Film]


class Decoder(Protocol):
    """Turns file bytes into what the model reads."""

    def decode(self, files: Sequence[bytes]) -> list[Film | Rejection]:
        """One answer per file, in order: what the model reads, or why the file cannot be judged.

        A bad file never raises. Raises ``DecoderUnavailable`` when nothing can be decoded at the moment.
        """
        ...


class ThreadDecoder:
    """Decodes in threads of this process: simple, but a decoder that crashes or hangs takes the caller along."""

    def __init__(self, threads: int = 2, limits: Limits = DEFAULT_LIMITS, function: Decode = examine) -> None:
        self._threads: Executor = ThreadPoolExecutor(threads, thread_name_prefix="decode")
        self._limits, self._function = limits, function

    def decode(self, files: Sequence[bytes]) -> list[Film | Rejection]:
        return list(self._threads.map(self._one, files))

    def _one(self, content: bytes) -> Film | Rejection:
        try:
            return self._function(content, self._limits)
        except ImageRejected as error:
            return Rejection.of(error)
        except MemoryError:
            return Rejection.of(DecoderCrashed("out of memory"))
