"""``python -m bench.response_cache``: what Triton's response cache for identical tensors gains and costs.

Two Tritons in turns, one with the cache. *Again*: the same film each time, so every request but the first is a hit.
*New*: no film twice, so every request is hashed, scored and stored in vain.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.drive import drive
from bench.figures import Figure
from bench.films import originals
from bench.served import MODEL, folder, running, served_engine
from cxr.imaging import preprocess
from cxr.triton import ModelClient
from deploy.local import triton
from deploy.local.settings import LocalSettings
from trainer.contract import MODEL_NAME
from trainer.repository import card_to_serve, cpu_config, render

ROUNDS, SECONDS = 5, 3.0
CACHE_BYTES = 256 * 1024**2
SERVE = "serve"


def measure() -> None:
    """Median milliseconds of one film, with the cache and without, in rounds that take turns."""
    film, number = preprocess(originals()[0]), count()

    def again() -> NDArray[np.uint8]:
        return np.stack([film])

    def new() -> NDArray[np.uint8]:
        other = film.copy()
        other.reshape(-1)[:4] = np.frombuffer(next(number).to_bytes(4, "big"), np.uint8)
        return np.stack([other])

    with ExitStack() as exits:
        repository = _with_cache(exits.enter_context(folder("repository")))
        stacks = {
            "without": exits.enter_context(running("triton")),
            "with": exits.enter_context(
                running(
                    "triton",
                    commands={"triton": f"exec python -m {__spec__.name} {SERVE}"},
                    CXR_MODEL_REPOSITORY=str(repository),
                )
            ),
        }
        found: dict[tuple[str, str], list[float]] = {}
        for _ in range(ROUNDS):
            for name, films in (("again", again), ("new", new)):
                for cache, stack in stacks.items():
                    took = drive(_asking(stack.model, films), SECONDS)
                    found.setdefault((name, cache), []).append(took.median_ms)
    print(f"{served_engine()}, one film a request, {ROUNDS} rounds of {SECONDS:g} s; milliseconds, median of rounds")
    for name in ("again", "new"):
        with_, without = (Figure.of(found[name, cache]) for cache in ("with", "without"))
        print(f"{name}: {without.text(1)} without, {with_.text(1)} with: {with_.ratio_to(without).text(2)} x")


def serve() -> None:
    """Become the server of ``deploy.local.triton``, with a cache."""
    local = LocalSettings()
    triton.link_backend(local.local_dir / "backends")
    words = triton.command(local)
    caches = Path(words[0]).parents[1] / "caches"
    words += [f"--cache-directory={caches}", f"--cache-config=local,size={CACHE_BYTES}"]
    os.execve(words[0], words, triton.environment())  # noqa: S606  (our own words; signals reach the server itself)


def _asking(model: ModelClient, films: Callable[[], NDArray[np.uint8]]) -> Callable[[], int]:
    def call() -> int:
        return len(model.infer(films()).probability)

    return call


def _with_cache(repository: Path) -> Path:
    """The served repository with the model's cache switched on."""
    shutil.copytree(MODEL, repository / MODEL_NAME)
    config = cpu_config(card_to_serve(MODEL), served_engine())
    config.response_cache.enable = True
    (repository / MODEL_NAME / "configs" / "cpu.pbtxt").write_text(render(config))
    return repository


if __name__ == "__main__":
    serve() if sys.argv[1:] == [SERVE] else measure()
