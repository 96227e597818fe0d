"""A real S3-compatible server on a free port: moto's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import obstore
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

from tests.stack import free_port

KEYS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "us-east-1",
}
PATIENCE_S = 60  # its first answer waits until moto has imported its S3


@dataclass(frozen=True)
class Bucket:
    """A bucket; ``environment`` lets a process of ours find it at ``url``."""

    name: str
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return f"s3://{self.name}/films"

    def names(self) -> list[str]:
        """What lies under the address."""
        return [entry["path"] for page in obstore.list(self._store()) for entry in page]

    def move(self, path: str, to: str) -> None:
        obstore.rename(self._store(), path, to)

    def _store(self) -> S3Store:
        keys = {name.removeprefix("AWS_").lower(): value for name, value in self.environment.items()}
        endpoint = keys.pop("endpoint_url")
        return S3Store(self.name, prefix="films", endpoint=endpoint, client_options={"allow_http": True}, **keys)


class ObjectServer:
    """Moto's server in a thread of this process; other processes reach it over HTTP."""

    def __init__(self) -> None:
        self._port, self._buckets = free_port(), 0
        self._server = ThreadedMotoServer(port=self._port, verbose=False)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def bucket(self, objects: Mapping[str, bytes] | None = None) -> Bucket:
        """A new one, with these objects."""
        self._buckets += 1
        endpoint, name = f"http://127.0.0.1:{self._port}", f"films-{self._buckets}"
        httpx.put(f"{endpoint}/{name}", timeout=PATIENCE_S).raise_for_status()
        for path, content in (objects or {}).items():
            httpx.put(f"{endpoint}/{name}/{quote(path)}", content=content, timeout=PATIENCE_S).raise_for_status()
        return Bucket(name, KEYS | {"AWS_ENDPOINT_URL": endpoint})
