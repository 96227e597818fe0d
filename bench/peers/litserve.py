"""LitServe: its own batching (``max_batch_size``, ``batch_timeout``), as many workers as cores."""

import sys
from typing import Any

import litserve

from bench.peers import film


class Judge(litserve.LitAPI):
    def setup(self, device: str) -> None:
        film.scorer()

    def decode_request(self, request: litserve.Request) -> Any:
        return film.decode(request["content"].file.read())

    def batch(self, inputs: list[Any]) -> list[Any]:
        return inputs

    def predict(self, x: list[Any]) -> list[dict[str, Any]]:
        return film.answers(x)

    def unbatch(self, output: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return output

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


if __name__ == "__main__":
    judge = Judge(max_batch_size=film.MAX_BATCH, batch_timeout=film.BATCH_WAIT_S)
    server = litserve.LitServer(judge, accelerator="cpu", workers_per_device=film.PROCESSES)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False)
