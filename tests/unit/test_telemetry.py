"""Drift, trace ids, and what the registry shows."""

from __future__ import annotations

import json
import logging
import math

import pytest
import structlog
from prometheus_client import CollectorRegistry, generate_latest

from cxr.telemetry import configure_logging, logger
from cxr.telemetry.answers import DRIFT, ServedModelGauge
from cxr.telemetry.drift import LEAST, RecentProbabilities, bin_of, population_stability_index
from cxr.telemetry.metrics import Reading, Watched
from cxr.telemetry.traces import continued, trace_id, traceparent

FLAT = [10] * 10
UPSTREAM = f"00-{'a' * 32}-{'b' * 16}-01"


def test_the_stability_index_is_the_symmetrised_divergence() -> None:
    p, q = (1000.5 / 1506, 505.5 / 1506), (505.5 / 1506, 1000.5 / 1506)
    by_hand = sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert population_stability_index([1000, 505], [505, 1000]) == pytest.approx(by_hand)
    assert population_stability_index([7, 8, 9], [7, 8, 9]) == 0


def test_bins_cover_the_unit_interval() -> None:
    assert [bin_of(p) for p in (0.0, 0.0999, 0.1, 0.95, 1.0)] == [0, 0, 1, 9, 9]


def test_drift_is_silent_before_it_means_something_and_looks_at_the_window_alone() -> None:
    recent = RecentProbabilities(window=LEAST)
    recent.add([0.05] * (LEAST - 1))
    assert recent.drift(FLAT) is None
    recent.add([0.05])
    shifted = recent.drift(FLAT)
    assert shifted is not None
    assert shifted > 0.25
    recent.add([(i % 10 + 0.5) / 10 for i in range(LEAST)])
    assert recent.drift(FLAT) == pytest.approx(0)


def test_another_model_starts_its_drift_anew() -> None:
    served = ServedModelGauge()
    served.answered("m", 1, "engine", [0.05] * LEAST, FLAT)
    assert DRIFT.labels("1")._value.get() > 0.25
    served.answered("m", 2, "engine", [0.05], FLAT)
    assert DRIFT._metrics == {}


def test_watched_gauges_are_read_at_each_scrape() -> None:
    values = iter([1.0, 2.0])
    registry = CollectorRegistry()
    registry.register(Watched(lambda: [Reading("cxr_x", "X.", next(values), {"queue": "batch"})]))
    assert b'cxr_x{queue="batch"} 1.0' in generate_latest(registry)
    assert b'cxr_x{queue="batch"} 2.0' in generate_latest(registry)


def test_a_trace_goes_on_from_its_caller_or_begins() -> None:
    assert trace_id() == ""
    with continued(UPSTREAM):
        assert (trace_id(), traceparent()) == ("a" * 32, UPSTREAM)
    with continued("not a traceparent"):
        outer = trace_id()
        assert len(outer) == 32
        with continued():
            assert trace_id() == outer
    assert trace_id() == ""


def test_log_lines_carry_the_trace(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:]
    try:
        configure_logging("worker")
        with continued(UPSTREAM):
            logger("test").info("chunk_answered", job_id="j")
            logging.getLogger("library").warning("said")
    finally:
        logging.getLogger().handlers[:] = before
        structlog.reset_defaults()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["trace_id"] for line in lines] == ["a" * 32] * 2
    assert lines[0]["job_id"] == "j"
