"""MLServer: the V2 protocol, adaptive batching (``max_batch_size``, ``max_batch_time``), parallel workers."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from mlserver import MLModel
from mlserver.codecs import Base64Codec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from bench.peers import film


class Judge(MLModel):
    async def load(self) -> bool:
        film.scorer()
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        contents = Base64Codec.decode_input(payload.inputs[0])
        found = film.answers([film.decode(content) for content in contents])
        output = StringCodec.encode_output("ANSWER", [json.dumps(one) for one in found])
        return InferenceResponse(model_name=self.name, outputs=[output])


def settings(port: int) -> dict[str, Any]:
    return {
        "http_port": port,
        "host": "127.0.0.1",
        "parallel_workers": film.PROCESSES,
        "debug": False,
        "metrics_endpoint": None,
    }


if __name__ == "__main__":
    folder = Path(mkdtemp(prefix="mlserver-"))
    port = int(sys.argv[1])
    (folder / "settings.json").write_text(
        json.dumps(settings(port) | {"grpc_port": port + 1, "metrics_port": port + 2})
    )
    model = {
        "name": "judge",
        "implementation": "bench.peers.mlserver.Judge",
        "max_batch_size": film.MAX_BATCH,
        "max_batch_time": film.BATCH_WAIT_S,
    }
    (folder / "model-settings.json").write_text(json.dumps(model))
    os.execv(Path(sys.executable).parent / "mlserver", ["mlserver", "start", str(folder)])
