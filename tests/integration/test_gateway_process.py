"""The gateway as a process: what it leaves behind when it is told to stop."""

import signal
from pathlib import Path

import pytest

from tests.stack import Stack


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_nothing_that_browsers_sent_stays_behind(redis_stack: Stack, tmp_path: Path, told: signal.Signals) -> None:
    gateway = redis_stack.beside(TMPDIR=str(tmp_path))
    gateway.start("gateway")
    [folder] = tmp_path.glob("cxr-page-*")
    (folder / "film.jpeg").write_bytes(b"a patient's")
    gateway.stop("gateway", told)
    assert list(tmp_path.glob("cxr-*")) == []
