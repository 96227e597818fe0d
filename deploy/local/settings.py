"""What the embedded stack can be told through the environment (prefix ``CXR_``)."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parents[2]


class LocalSettings(BaseSettings):
    """Ports on loopback and the folder of everything the stack writes."""

    model_config = SettingsConfigDict(env_prefix="CXR_", frozen=True)

    gateway_port: int = Field(7860, description="The page and the API.")
    redis_port: int = Field(6390, description="The ledger and the queues.")
    triton_port: int = Field(8051, description="Triton's gRPC.")
    triton_metrics_port: int = Field(0, description="Where Triton shows its own metrics; 0: nowhere.")
    otlp_endpoint: str = Field("", description="Where traces go, as for gateway and worker; empty: none are sent.")
    local_dir: Path = Field(ROOT / ".local", description="Redis data, image bytes, logs, sample films.")
    model_repository: Path = Field(ROOT / "model_repository", description="What Triton serves.")
    model_config_name: str = Field("cpu", description="Which configs/*.pbtxt of the model Triton takes.")
    data: Path = Field(ROOT.parent / "shared" / "data", description="The real images, where they are at hand.")

    def ports(self) -> dict[str, int]:
        """The variable that moves each port, and the port."""
        return {
            "CXR_GATEWAY_PORT": self.gateway_port,
            "CXR_REDIS_PORT": self.redis_port,
            "CXR_TRITON_PORT": self.triton_port,
        }

    def process_environment(self) -> dict[str, str]:
        """The environment in which the processes of the Procfile find each other."""
        derived = {
            "CXR_REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "CXR_TRITON_URL": f"127.0.0.1:{self.triton_port}",
            "CXR_BLOBS_DIR": str(self.local_dir / "blobs"),
            "CXR_LOCAL_DIR": str(self.local_dir),
            "CXR_MODEL_REPOSITORY": str(self.model_repository),
            "CXR_MODEL_CONFIG_NAME": self.model_config_name,
            "PYTHONUNBUFFERED": "1",
            "GRADIO_ANALYTICS_ENABLED": "0",
        }
        return {**os.environ, **derived, **{name: str(port) for name, port in self.ports().items()}}


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
