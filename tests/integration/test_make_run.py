"""``make run``: a part that ends ends them all, and the command says which it was; the former log is kept."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from deploy.local.settings import ROOT
from tests.files import png
from tests.stack import free_port, wait_until

PORTS = ("CXR_GATEWAY_PORT", "CXR_REDIS_PORT", "CXR_TRITON_PORT")


def test_a_killed_part_is_named_with_its_own_last_lines(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "stack.log").write_text("of the time before")
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "film.png").write_bytes(png())  # so none is fetched
    environment = {**os.environ, **{name: str(free_port()) for name in PORTS}, "CXR_LOCAL_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "deploy.local"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as running:
        try:
            wait_until(lambda: "Ready to accept connections" in written(logs), 60, "Redis to start")
            [pid] = re.findall(r"redis started \(pid=(\d+)\)", written(logs))
            os.kill(int(pid), signal.SIGKILL)
            said, _ = running.communicate(timeout=60)
        finally:
            running.terminate()
    assert running.returncode == 1
    assert "redis ended (signal 9); the others were stopped." in said
    last = said.split("Its last lines")[1].splitlines()[1:]
    assert "Ready to accept connections" in last[-1], "its own words, not how the others stopped"
    assert (logs / "stack.log.1").read_text() == "of the time before"


def written(logs: Path) -> str:
    log = logs / "stack.log"
    return log.read_text() if log.exists() else ""
