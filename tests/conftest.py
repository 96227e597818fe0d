"""What all tests share: a clean environment, and real servers on free ports."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

DATA = Path(os.environ.get("CXR_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))

for name in [name for name in os.environ if name.startswith("CXR_")]:
    del os.environ[name]


def pytest_configure() -> None:
    """A run that is told to end stops the servers it started; by itself Python would end on the spot."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", 128 + signal.SIGTERM))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real images; tests that need it are skipped where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f"the real images are not at {DATA} (set CXR_DATA)")
    return DATA


@pytest.fixture(scope="session")
def originals(data: Path) -> list[Path]:
    """76 original films, of the sizes that hospitals send."""
    return sorted((data / "kermany_originals").glob("*/*/*.jpeg"))


@pytest.fixture(scope="session")
def object_server() -> Iterator[object]:
    """An S3-compatible server."""
    from tests.object_store import ObjectServer

    server = ObjectServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def bucket(object_server: object, monkeypatch: pytest.MonkeyPatch) -> object:
    """An empty bucket, which this process finds through its environment."""
    from tests.object_store import ObjectServer

    assert isinstance(object_server, ObjectServer)
    made = object_server.bucket()
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


@pytest.fixture(scope="session")
def redis_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A stack whose Redis alone runs."""
    from tests.stack import Stack

    stack = Stack(tmp_path_factory.mktemp("redis"))
    try:
        stack.start("redis")
        yield stack
    finally:
        stack.close()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """The whole stack: redis, triton, worker, gateway."""
    from tests.stack import Stack

    stack = Stack(tmp_path_factory.mktemp("stack"))
    try:
        stack.start("redis", "triton", "worker", "gateway")
        yield stack
    finally:
        stack.close()
