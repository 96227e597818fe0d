"""What the house promises about itself."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

from deploy.local.settings import ROOT

PYTHON_FILES = [
    path
    for folder in ("cxr", "gateway", "worker", "trainer", "deploy", "bench", "tests", "model_repository")
    for path in (ROOT / folder).rglob("*.py")
]


def test_no_module_is_longer_than_300_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in PYTHON_FILES
        if (lines := len(path.read_text().splitlines())) > 300
    }
    assert long == {}


@pytest.mark.parametrize("process", ["gateway.app", "worker.app"])
def test_gateway_and_worker_start_without_torch(process: str) -> None:
    assert find_spec("torch") is None, "the serving environment holds torch"
    done = subprocess.run(
        [sys.executable, "-c", f"import {process}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = makefile.split(".PHONY:")[1].split("\n\n")[0].replace("\\\n", " ").split()
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    described = {line.split()[0] for line in listed.splitlines() if line.strip()}
    assert set(phony) <= described
