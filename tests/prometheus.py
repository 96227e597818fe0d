"""A real Prometheus with the configuration of deploy/observe, its targets moved to this machine's ports."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

from deploy.local.settings import ROOT
from tests.programs import program
from tests.stack import free_port, wait_until

OBSERVE = ROOT / "deploy" / "observe"


def samples(address: str) -> dict[str, float]:
    """What a page of metrics shows, by name and labels."""
    lines = [line for line in httpx.get(address).text.splitlines() if line and not line.startswith("#")]
    return {series: float(value) for series, _, value in (line.rpartition(" ") for line in lines)}


class Prometheus:
    """Scrapes every second; ``targets`` are addresses by job of the configuration, all of its jobs."""

    def __init__(self, folder: Path, targets: Mapping[str, str]) -> None:
        configuration = yaml.safe_load((OBSERVE / "prometheus.yml").read_text())
        configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        assert {each["job_name"] for each in configuration["scrape_configs"]} == set(targets)
        for each in configuration["scrape_configs"]:
            del each["dns_sd_configs"]
            each["static_configs"] = [{"targets": [targets[each["job_name"]]]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        shutil.copy(OBSERVE / "alerts.yml", folder)
        port = free_port()
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=30)
        with (folder / "prometheus.log").open("w") as log:
            self._process = subprocess.Popen(
                [
                    program("prometheus", "prometheus"),
                    f"--config.file={folder / 'prometheus.yml'}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{port}",
                ],
                stdout=log,
                stderr=log,
            )
        wait_until(self._listens, 30, "Prometheus to start")

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an expression gives now."""
        answer = self._client.get("/query", params={"query": expression})
        assert answer.status_code == 200, f"{expression}: {answer.text}"
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def rules(self) -> dict[str, str]:
        """Each alert's health, once it was evaluated."""
        groups = self._client.get("/rules").json()["data"]["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._client.close()

    def _listens(self) -> bool:
        try:
            return self._client.get("/status/buildinfo").status_code == 200
        except httpx.TransportError:
            return False
