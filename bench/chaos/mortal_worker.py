"""``python -m bench.chaos.mortal_worker``: the real worker, but it can be told when to die.

``CXR_CHAOS_FATES`` is a folder. A file in it called ``before`` kills the first worker that popped a message and has not
claimed its chunk; ``after`` kills the first that recorded its answers and has not acknowledged its message; a file
called by an image's SHA-256 stays, and kills every worker that works on that image; while there is one called ``hold``,
batch chunks stay in hand unanswered.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from cxr.jobs import Lease
from cxr.schemas import Chunk, Prediction, QueueName, Rejection
from cxr.settings import Settings
from worker import app
from worker.chunks import ChunkWorker
from worker.keeper import Keeper

FATES = "CXR_CHAOS_FATES"


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class MortalChunkWorker(ChunkWorker):
    """A ``ChunkWorker`` that looks into the folder of fates."""

    _fates = Path(os.environ.get(FATES, "."))

    def answer(self, chunk: Chunk) -> int:
        self._meet("before")
        new = super().answer(chunk)
        self._meet("after")
        return new

    def _answers(self, lease: Lease, keeper: Keeper) -> dict[int, Prediction | Rejection]:
        if any((self._fates / str(image.sha256)).exists() for image in lease.waiting.values()):
            _die()
        while lease.queue is QueueName.BATCH and (self._fates / "hold").exists():
            time.sleep(0.05)
        return super()._answers(lease, keeper)

    def _meet(self, fate: str) -> None:
        try:
            (self._fates / fate).unlink()
        except FileNotFoundError:
            return
        _die()


if __name__ == "__main__":
    app.ChunkWorker = MortalChunkWorker  # type: ignore[misc]
    sys.exit(app.run(Settings()))
