"""Ray Serve: ``@serve.batch``, as many replicas as cores."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import ray
from ray import serve
from starlette.requests import Request

from bench.peers import film


@serve.deployment(num_replicas=film.PROCESSES, ray_actor_options={"num_cpus": 1}, max_ongoing_requests=64)
class Judge:
    def __init__(self) -> None:
        film.scorer()

    async def __call__(self, request: Request) -> dict[str, Any]:
        return await self.judge(film.decode(await request.body()))

    @serve.batch(max_batch_size=film.MAX_BATCH, batch_wait_timeout_s=film.BATCH_WAIT_S)
    async def judge(self, films: list[Any]) -> list[dict[str, Any]]:
        return film.answers(films)


if __name__ == "__main__":
    names = ("PEER_DECODER", "PEER_ENGINE", "PEER_MODEL", "PEER_PARAMETERS", "PYTHONPATH")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    ray.init(
        num_cpus=film.PROCESSES,
        include_dashboard=False,
        configure_logging=False,
        _node_ip_address="127.0.0.1",
        runtime_env={"env_vars": environment},
    )
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Judge.bind(), route_prefix="/predict")
    print("up", flush=True)
    signal.pause()
