"""What tests started ends with them, also when they are told to end, and nothing of it is left to others."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from cxr.queue import celery_app
from deploy.local.settings import ROOT
from tests.stack import close_connections, wait_until

ENDLESS = """
import pathlib, time, pytest

@pytest.fixture
def server():
    pathlib.Path("started").touch()
    yield
    pathlib.Path("stopped").touch()

def test_endless(server):
    time.sleep(60)
"""


def test_a_run_that_is_told_to_end_stops_what_it_started(tmp_path: Path) -> None:
    (tmp_path / "test_endless.py").write_text(ENDLESS)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "--rootdir", ".", "test_endless.py"]
    with subprocess.Popen(command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL) as run:
        wait_until((tmp_path / "started").exists, 60, "the test to begin")
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 128 + signal.SIGTERM
    assert (tmp_path / "stopped").exists()


def test_a_broker_at_the_address_of_an_earlier_one_gets_connections_of_its_own() -> None:
    seen = []
    for _ in range(2):
        app = celery_app("redis://127.0.0.1:1/0")  # nothing connects: only the pools are asked
        with app.pool.acquire() as connection, app.amqp.producer_pool.acquire():
            seen.append((app.pool, connection.as_uri()))
        close_connections(app)
    (first, address), (second, same_address) = seen
    assert first is not second
    assert address == same_address
