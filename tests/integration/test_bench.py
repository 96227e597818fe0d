"""The benches in their small form: real Redis, Celery and Triton; that they run and what they compare, no figure.

``peers`` is not among them: it needs environments of its own (``make bench-peers``).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from bench.__main__ import BENCHES
from bench.outcome import present
from bench.served import served_engine
from bench.steps import Steps


@pytest.mark.parametrize(
    ("name", "compared"),
    [
        ("ceiling", {"decode", "score", "ceiling"}),
        ("system", {"1 worker(s), 2 decoding: share", "large: images/s"}),
        ("engine", {f"{served_engine()}, in process, batch 8: ms"}),
        ("interactive", {"gRPC, tensor (`pneumonia_classifier`): p99 busy to idle"}),
        ("queue", {"empty films, 2 ms from the broker, chunks of 64: ratio"}),
        ("growth", {"1000: to 1000", "4 workers: images/s"}),
    ],
)
def test_a_bench_writes_its_section(name: str, compared: set[str], tmp_path: Path) -> None:
    document, console = tmp_path / "performance.md", Console(quiet=True)
    document.write_text("# Performance\n")
    with Steps(name, console) as steps:
        outcome = BENCHES[name](True, steps)
    present(outcome, console, write=True, document=document, kept=tmp_path)
    assert compared <= outcome.figures.keys()
    assert all(value > 0 for figure in outcome.figures.values() for value in figure.values)
    assert f"## {outcome.title}" in document.read_text()
    assert (tmp_path / f"{name}.json").is_file()
