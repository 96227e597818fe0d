"""Each peer's front door: where a film goes, and how it is wrapped."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass

from deploy.local.settings import ROOT

BOUNDARY = "film-and-film"
Wrapped = tuple[bytes, dict[str, str]]


def multipart(*films: bytes, field: str = "content") -> Wrapped:
    """Films as a browser sends them."""
    parts = []
    for number, film in enumerate(films):
        disposition = f'Content-Disposition: form-data; name="{field}"; filename="{number}.jpeg"'
        parts += [f"--{BOUNDARY}\r\n{disposition}\r\nContent-Type: image/jpeg\r\n\r\n".encode(), film, b"\r\n"]
    body = b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])
    return body, {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def bare(film: bytes) -> Wrapped:
    """Nothing but the film."""
    return film, {"Content-Type": "image/jpeg"}


def open_inference(film: bytes) -> Wrapped:
    """The V2 protocol's JSON, the film in base64."""
    content = {
        "name": "FILE",
        "datatype": "BYTES",
        "shape": [1],
        "parameters": {"content_type": "base64"},
        "data": [base64.b64encode(film).decode()],
    }
    return json.dumps({"inputs": [content]}).encode(), {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Door:
    """``module`` is run by the Python of ``environment``; ``ready`` answers when it can judge."""

    name: str
    module: str
    path: str
    wrap: Callable[[bytes], Wrapped]
    ready: str
    environment: str = ".venv-bench"

    @property
    def python(self) -> str:
        return str(ROOT / self.environment / "bin" / "python")


@dataclass(frozen=True)
class Way:
    """How a peer decodes and scores, as ``bench/peers/film.py`` reads it."""

    words: str
    decoder: str
    engine: str


AS_USERS_DO = Way("as its users run it", "plain", "torch")
OUR_ENGINE = Way("with our engine", "plain", "ours")
ALL_OURS = Way("with our decoding and engine", "ours", "ours")
WAYS = (AS_USERS_DO, OUR_ENGINE, ALL_OURS)

DOORS = (
    Door("FastAPI", "bench.peers.fastapi", "/predict", multipart, "/health"),
    Door("LitServe", "bench.peers.litserve", "/predict", multipart, "/health"),
    Door("BentoML", "bench.peers.bentoml", "/predict", multipart, "/readyz"),
    Door(
        "MLServer",
        "bench.peers.mlserver",
        "/v2/models/judge/infer",
        open_inference,
        "/v2/health/ready",
        ".venv-bench-mlserver",
    ),
    Door("Ray Serve", "bench.peers.ray_serve", "/predict", bare, "/-/healthz"),
)
