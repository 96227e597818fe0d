"""BentoML: adaptive batching of the call itself (``batchable``), as many workers as cores."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import bentoml
from bentoml.validators import ContentType

from bench.peers import film

MOST_WAIT_MS = 60_000  # BentoML's own default: no film is refused because others wait before it


@bentoml.service(workers=film.PROCESSES, traffic={"timeout": 120})
class Judge:
    def __init__(self) -> None:
        film.scorer()

    @bentoml.api(batchable=True, batch_dim=0, max_batch_size=film.MAX_BATCH, max_latency_ms=MOST_WAIT_MS)
    def predict(self, content: list[Annotated[Path, ContentType("image/jpeg")]]) -> list[dict[str, Any]]:
        return film.answers([film.decode(path.read_bytes()) for path in content])


if __name__ == "__main__":
    words = ["bentoml", "serve", "bench.peers.bentoml:Judge", "--host", "127.0.0.1", "--port", sys.argv[1]]
    os.execv(Path(sys.executable).parent / "bentoml", words)
