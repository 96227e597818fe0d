"""The command line lists its steps and says in a sentence what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("typer", reason="the trainer's environment is not installed")
pytest.importorskip("torch", reason="the trainer's environment is not installed")

ROOT = Path(__file__).parents[2]


def trainer(*words: str, data: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trainer", *words]
    environment = {"PATH": "/usr/bin:/bin", "CXR_DATA": data, "COLUMNS": "120"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_help_lists_every_step(tmp_path: Path) -> None:
    shown = trainer("--help", data=str(tmp_path))
    assert shown.returncode == 0
    for step in ("prepare", "train", "calibrate", "evaluate", "export", "gate", "publish"):
        assert step in shown.stdout
    of_one = trainer("config", "--help", data=str(tmp_path)).stdout
    assert "--check" in of_one
    assert "completion" not in of_one


def test_absent_data_is_one_sentence(tmp_path: Path) -> None:
    shown = trainer("prepare", "--run", "unit-test-without-data", data=str(tmp_path / "nothing"))
    assert shown.returncode == 2
    assert "CXR_DATA" in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "--run", "../evil"), "letters, digits, _ and - alone, not '../evil'"),
        (("train", "--run", "unit-test", "--seeds", "x"), "--seeds takes whole numbers"),
        (("train", "--run", "unit-test", "--imbalance", "foo"), "imbalance foo; there are balanced, weighted, none"),
        (("evaluate", "--run", "unit-test", "--final"), "say with --why what for"),
        (("gate", "--run", "unit-test", "--final"), "say with --why what for"),
    ],
    ids=["a run elsewhere", "seeds", "imbalance", "evaluate without a reason", "gate without a reason"],
)
def test_what_cannot_be_meant_is_one_sentence(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    shown = trainer(*words, data=str(tmp_path))
    assert shown.returncode == 2
    assert said in " ".join(shown.stderr.split())
    assert "Traceback" not in shown.stderr
