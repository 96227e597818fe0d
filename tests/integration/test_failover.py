"""A primary dies, its sentinels make the replica the primary, and ledger, queue and worker go on there."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from cxr.schemas import QueueName
from deploy.local.redis import redis_server
from tests.files import grey_ramp, png
from tests.stack import Stack, free_port, wait_until

NAME, PASSWORD = "ledger", "pass-word-of-the-test"
WATCHERS = 3


class WatchedRedis:
    """A primary, a replica that copies it, and the sentinels that watch both."""

    def __init__(self, folder: Path) -> None:
        self.primary_port, self._replica_port = free_port(), free_port()
        self.sentinel_ports = [free_port() for _ in range(WATCHERS)]
        self._folder = folder
        durable = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
        signed = ("--requirepass", PASSWORD, "--masterauth", PASSWORD)
        of_primary = ("--replicaof", "127.0.0.1", str(self.primary_port))
        self.primary = self._start("primary", "--port", str(self.primary_port), *durable, *signed)
        self._others = [self._start("replica", "--port", str(self._replica_port), *durable, *signed, *of_primary)]
        for number, port in enumerate(self.sentinel_ports):
            settings = folder / f"sentinel-{number}.conf"
            settings.write_text(
                f"port {port}\nbind 127.0.0.1\nsentinel monitor {NAME} 127.0.0.1 {self.primary_port} 2\n"
                f"sentinel auth-pass {NAME} {PASSWORD}\nsentinel down-after-milliseconds {NAME} 2000\n"
                f"sentinel failover-timeout {NAME} 10000\n"
            )
            self._others.append(self._start(f"sentinel-{number}", str(settings), "--sentinel"))

    @property
    def url(self) -> str:
        places = ",".join(f"127.0.0.1:{port}" for port in self.sentinel_ports)
        return f"sentinel://:{PASSWORD}@{places}/{NAME}/0"

    def close(self) -> None:
        for process in (self.primary, *self._others):
            process.kill()
            process.wait()

    def _start(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        folder = self._folder / name
        folder.mkdir()
        with (folder / "log").open("wb") as log:
            return subprocess.Popen([redis_server(), *words, "--dir", str(folder)], stdout=log, stderr=log)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[WatchedRedis]:
    made = WatchedRedis(tmp_path)
    try:
        yield made
    finally:
        made.close()


def test_work_goes_on_at_the_new_primary(watched: WatchedRedis, tmp_path: Path) -> None:
    stack = Stack(tmp_path, CXR_REDIS_URL=watched.url)
    try:
        wait_until(lambda: known(watched), 60, "the replica to follow and the sentinels to know it")
        stack.start("triton", "worker")
        before = stack.submit([png(grey_ramp(200, 180))], QueueName.INTERACTIVE)
        assert len(stack.results(before, timeout_s=120)) == 1
        films = [png(grey_ramp(200, 190 + number)) for number in range(300)]
        during = stack.submit(films, QueueName.BATCH)
        assert stack.ledger.redis.wait(1, 10_000) == 1, "the replica has what was accepted"
        wait_until(lambda: stack.jobs.job(during).answered > 0, 60, "work to begin")
        watched.primary.send_signal(signal.SIGKILL)
        wait_until(lambda: moved(watched), 60, "the sentinels to choose another primary")
        assert len(stack.results(during, timeout_s=180)) == len(films)
        assert len(stack.results(before, timeout_s=10)) == 1
        after = stack.submit([png(grey_ramp(210, 180))], QueueName.INTERACTIVE)
        assert len(stack.results(after, timeout_s=60)) == 1
    finally:
        stack.close()


def known(watched: WatchedRedis) -> bool:
    """Whether the replica follows, and every sentinel knows it and the other sentinels."""
    try:
        for port in watched.sentinel_ports:
            seen = redis.Redis(port=port, decode_responses=True).sentinel_master(NAME)
            if (seen["num-slaves"], seen["num-other-sentinels"]) != (1, WATCHERS - 1):
                return False
        primary = redis.Redis(port=watched.primary_port, password=PASSWORD)
        return bool(primary.info("replication")["slave0"]["state"] == "online")
    except (redis.ConnectionError, KeyError):
        return False


def moved(watched: WatchedRedis) -> bool:
    """Whether the sentinels name another primary than the first."""
    seen = redis.Redis(port=watched.sentinel_ports[0], decode_responses=True)
    return bool(seen.sentinel_get_master_addr_by_name(NAME)[1] != watched.primary_port)
