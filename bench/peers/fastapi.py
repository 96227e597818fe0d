"""FastAPI: no batching; as many processes as cores, as its deployment pages advise."""

from __future__ import annotations

import sys
from threading import Lock
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, File

from bench.peers import film

app = FastAPI()
alone = Lock()  # an engine's request serves one call at a time


@app.get("/health")
def health() -> bool:
    return bool(film.scorer())


@app.post("/predict")
def predict(content: Annotated[bytes, File()]) -> dict[str, Any]:
    pixels = film.decode(content)
    with alone:
        return film.answers([pixels])[0]


if __name__ == "__main__":
    uvicorn.run(
        "bench.peers.fastapi:app", port=int(sys.argv[1]), workers=film.PROCESSES, log_level="warning", access_log=False
    )
