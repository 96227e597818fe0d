"""The real stack with everything on that can be seen from outside."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.otlp_sink import OtlpSink
from tests.stack import Stack, free_port


class ObservedStack(Stack):
    """Metrics of gateway, worker and Triton on free ports, traces into ``sink``."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.sink = OtlpSink()
        self.gateway_metrics, self.worker_metrics, self.triton_metrics = (f"127.0.0.1:{free_port()}" for _ in range(3))
        super().__init__(
            folder,
            CXR_OTLP_ENDPOINT=self.sink.url,
            CXR_GATEWAY_METRICS_PORT=self.gateway_metrics.split(":")[1],
            CXR_WORKER_METRICS_PORT=self.worker_metrics.split(":")[1],
            CXR_TRITON_METRICS_PORT=self.triton_metrics.split(":")[1],
            **environment,
        )

    @property
    def metrics_addresses(self) -> list[str]:
        return [f"http://{place}/metrics" for place in (self.gateway_metrics, self.worker_metrics, self.triton_metrics)]

    def metrics(self) -> dict[str, float]:
        """Every series of gateway, worker and Triton by its name and labels; the same series of two is added."""
        found: dict[str, float] = {}
        for address in self.metrics_addresses:
            for line in httpx.get(address).text.splitlines():
                if line and not line.startswith("#"):
                    series, _, value = line.rpartition(" ")
                    found[series] = found.get(series, 0.0) + float(value)
        return found

    def close(self) -> None:
        super().close()
        self.sink.close()
