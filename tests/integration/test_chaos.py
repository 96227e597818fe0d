"""The short form of `make chaos`: the most telling faults, seeded, on real processes; nothing lost, nothing twice."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from bench.chaos.faults import MORTAL, every_fault
from bench.chaos.trial import WORKERS, Row, Trial

QUICK = {
    "CXR_LEASE_S": "2",
    "CXR_RECONCILE_INTERVAL_S": "0.5",
    "CXR_CHUNK_SIZE": "16",
    "CXR_WORKER_CONCURRENCY": "1",
}
PATIENCE_S = 300


def counted(row: Row) -> tuple[int, int]:
    print(row)
    return row.lost, row.answered_twice


def test_everything_is_killed_in_mid_job(tmp_path: Path) -> None:
    victims = [("redis",), ("triton",), WORKERS]
    with Trial(tmp_path, images=1600, seed=4, environment=QUICK) as trial:
        trial.dice.shuffle(victims)
        trial.submit()
        for names, _ in zip(victims, trial.strikes(len(victims)), strict=True):
            for name in names:
                trial.stack.stop(name, signal.SIGKILL)
            trial.stack.start(*names)
        assert counted(trial.finish("all kills", "", PATIENCE_S)) == (0, 0)


@pytest.mark.parametrize("name", ["die-with-message", "poison", "twice"])
def test_no_image_is_lost_or_answered_twice(tmp_path: Path, name: str) -> None:
    fault = every_fault()[name]
    environment = {**QUICK, "CXR_CHAOS_FATES": str(tmp_path / "fates")}
    with Trial(tmp_path, images=480, seed=4, commands=MORTAL, environment=environment) as trial:
        row = trial.finish(fault.title, fault.act(trial), PATIENCE_S)
        assert counted(row) == (0, 0)
        aside = trial.stack.jobs.set_aside()
    assert len(aside) == (name == "poison")
