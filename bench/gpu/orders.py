"""What every part of the measurement is told, and what it may take."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FILM_SHAPE = (1, 224, 224)
OUTPUTS = ("PROBABILITY", "HEATMAP", "OOD_SCORE")
BATCHES = (1, 8, 32, 64, 128, 256, 512)
COMPILED_BATCHES = (256, 64)  # a compilation takes up to a minute: the most useful first
REQUEST_SIZES = (1, 8, 64, 256)
IN_FLIGHT = (1, 4, 16, 64)
LARGEST_REQUEST = 256

Keep = Callable[[dict[str, Any]], None]  # called after every figure, so that a part that is stopped loses only the rest


@dataclass(frozen=True)
class Orders:
    """``seconds``: after so many a part begins nothing new."""

    model: str
    device: str = "cuda"
    quick: bool = False
    threshold: float = 0.5
    films: str = ""
    originals: str = ""
    instances: int = 2
    serve_compiled: bool = False
    seconds: float = 30.0
    begun: float = field(default_factory=time.monotonic, compare=False)

    @property
    def late(self) -> bool:
        return time.monotonic() - self.begun > self.seconds

    def text(self) -> str:
        return json.dumps({name: value for name, value in asdict(self).items() if name != "begun"})

    @classmethod
    def read(cls, text: str) -> Orders:
        return cls(**json.loads(text))


def padded(count: int, batches: tuple[int, ...]) -> int:
    """The least of ``batches`` that ``count`` films fit into."""
    return min(batch for batch in batches if batch >= count)
