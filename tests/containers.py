"""Containers as processes: the command, environment, folders and probes of a manifest, on this machine.

What is mapped: ports to free ones, the names ``redis``, ``triton`` and ``tempo`` and the address 0.0.0.0 to loopback,
mounted paths to folders of the test (with one key in ``/access``), and the working folder to one that holds exactly
what the Dockerfile copies there.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import httpx

from deploy.local import redis as local_redis
from deploy.local import triton as local_triton
from deploy.local.settings import ROOT, LocalSettings
from gateway.access.keys import new_key
from gateway.access.register import Register, changing
from gateway.auth import Scope
from tests.stack import free_port

PORTS = (4318, 6379, 7860, 8001, 8002, 9101, 9102, 9103, 11112)
PATHS = ("blobs", "access", "data", "models", "repository", "engines", "run/secrets")
DOCKERFILES = {"worker": "serving", "gateway": "serving", "triton": "triton", "engine": "triton", "trainer": "trainer"}
Probe = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """One container: what it runs, with which variables, how it is probed, and how long it may take to stop."""

    name: str
    image: str
    words: list[str]
    environment: dict[str, str]
    ports: dict[str, int] = field(default_factory=dict)
    probes: dict[str, Probe] = field(default_factory=dict)
    grace_s: float = 30.0


class Machine:
    """Where parts run: a folder, free ports, and programs under the names that images know them by."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {port: free_port() for port in PORTS}
        self.paths = {f"/{name}": folder / name for name in PATHS}
        for path in self.paths.values():
            path.mkdir(parents=True)
        for model in local_triton.models(LocalSettings()):
            (self.paths["/models"] / model).symlink_to(ROOT / "model_repository" / model)
        self._make_secrets(self.paths["/run/secrets"])
        made, self.key = new_key("test", "machine", [Scope.SUBMIT, Scope.READ])
        with changing(self.paths["/access"] / "access.json") as box:
            box.append(Register(keys=(made,)))
        self._programs = folder / "bin"
        self._programs.mkdir()
        self._write_programs()
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def _make_secrets(self, folder: Path) -> None:
        subprocess.run(["sh", ROOT / "deploy" / "docker" / "secrets.sh", folder], check=True)
        url = folder / "CXR_REDIS_URL"
        url.chmod(0o644)
        url.write_text(self.mapped(url.read_text()))

    def mapped(self, text: str) -> str:
        """A word or value of a manifest as it is here."""
        text = self.mapped_ports(text)
        for path, here in self.paths.items():
            text = re.sub(rf"(?<![\w/.]){path}(?=$|/)", str(here), text)
        return text

    def mapped_ports(self, text: str) -> str:
        """The same with paths as they are: for what runs in its own root file system."""
        text = re.sub(r"\b(redis|triton|tempo)(\.monitoring)?:(?=\d)", "127.0.0.1:", text).replace(
            "0.0.0.0", "127.0.0.1"
        )
        return re.sub(r"\b(" + "|".join(map(str, PORTS)) + r")\b", lambda port: str(self.ports[int(port[0])]), text)

    def start(self, part: Part) -> None:
        """Start a part as its image would: its variables alone, and in a folder with what is copied into the image."""
        with (self.folder / f"{part.name}.log").open("ab") as log:
            self.running[part.name] = subprocess.Popen(
                [self.mapped(word) for word in part.words],
                env=self.environment(part),
                cwd=self.work_folder(part),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def run(self, part: Part, **more: str | None) -> subprocess.CompletedProcess[str]:
        """Run a part to its end, with some variables changed, or taken away by None."""
        environment = {**self.environment(part), **more}
        return subprocess.run(
            [self.mapped(word) for word in part.words],
            env={name: value for name, value in environment.items() if value is not None},
            cwd=self.work_folder(part),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def environment(self, part: Part) -> dict[str, str]:
        image = image_variables(part.image)
        found = {name: self.mapped(value) for name, value in {**image, **part.environment}.items()}
        # The programs of this machine in place of the image's; a home that can be written, as /tmp is there.
        return {**found, "PATH": f"{self._programs}{os.pathsep}{os.defpath}", "HOME": str(self.folder)}

    def work_folder(self, part: Part) -> Path:
        folder = self.folder / f"image-{part.image}"
        if not folder.exists():
            folder.mkdir()
            for name in copied(part.image):
                (folder / name).symlink_to(ROOT / name)
        return folder

    def answers(self, part: Part, probe: Probe) -> bool:
        """Ask one probe once, as the kubelet or Docker does."""
        if "httpGet" in probe:
            return self.get(part.ports[probe["httpGet"]["port"]], probe["httpGet"]["path"])
        if "grpc" in probe:
            return serving(self.ports[probe["grpc"]["port"]], probe["grpc"].get("service", ""))
        if "tcpSocket" in probe:
            return self.listens(part.ports[probe["tcpSocket"]["port"]])
        words = [self.mapped(word) for word in probe["exec"]["command"]]
        return (
            subprocess.run(words, env=self.environment(part), capture_output=True, check=False, timeout=30).returncode
            == 0
        )

    def get(self, port: int, path: str) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.ports[port]}{path}", timeout=10).status_code == 200
        except httpx.TransportError:
            return False

    def listens(self, port: int) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.ports[port])) == 0

    def wait(self, part: Part, probe: Probe) -> None:
        """Ask a probe until it agrees, for as long as its own period and threshold allow."""
        patience_s = probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3) + 30
        deadline = time.monotonic() + patience_s
        while not self.answers(part, probe):
            assert self.running[part.name].poll() is None, f"{part.name} ended: {self.log(part)}"
            assert time.monotonic() < deadline, f"{part.name}: {probe} said no for {patience_s} s: {self.log(part)}"
            time.sleep(0.1)

    def stop(self, part: Part) -> int:
        """Ask a part to end, as Kubernetes and Docker do: its first process alone, within its grace period."""
        process = self.running.pop(part.name)
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(part.grace_s)
        finally:
            self._sweep(process)

    def close(self) -> None:
        for process in reversed(self.running.values()):
            self._sweep(process)

    def log(self, part: Part) -> str:
        return (self.folder / f"{part.name}.log").read_text(errors="replace")[-3000:]

    @staticmethod
    def _sweep(process: subprocess.Popen[bytes]) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _write_programs(self) -> None:
        python, redis = sys.executable, local_redis.redis_server()
        cli = Path(redis).with_name("redis-cli")
        backends = self.folder / "backends"
        local_triton.link_backend(backends)
        there = local_triton.environment()
        server, *_ = local_triton.command(LocalSettings(local_dir=self.folder))
        programs = {
            "python": f'exec {python} "$@"',
            "python3": f'exec {python} "$@"',
            "curl": 'exec /usr/bin/curl "$@"',
            "redis-server": f'exec {redis} --bind 127.0.0.1 --port {self.ports[6379]} "$@"',
            "redis-cli": f'exec {cli if cli.exists() else "redis-cli"} -p {self.ports[6379]} "$@"',
            "tritonserver": f"export LD_LIBRARY_PATH={shlex.quote(there['LD_LIBRARY_PATH'])}\n"
            f"export PATH={shlex.quote(there['PATH'])}\n"
            f"exec {server} --backend-directory={backends} --grpc-address=127.0.0.1 --metrics-address=127.0.0.1"
            ' "$@"',
        }
        for name, body in programs.items():
            program = self._programs / name
            program.write_text(f"#!/bin/sh\n{body}\n")
            program.chmod(0o755)


def serving(port: int, service: str) -> bool:
    """gRPC's health protocol, without its package: field 1 of the question is the service, of the answer the status."""
    question = b"\x0a" + bytes([len(service)]) + service.encode() if service else b""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask: Callable[..., bytes] = channel.unary_unary("/grpc.health.v1.Health/Check")
        try:
            return ask(question, timeout=5) == b"\x08\x01"
        except grpc.RpcError:
            return False


def stages(image: str) -> list[str]:
    """The Dockerfile's instructions that make an image: of its stage and of those it stands on, oldest first."""
    text = (ROOT / "deploy" / "docker" / f"{DOCKERFILES[image]}.Dockerfile").read_text().replace("\\\n", " ")
    found: dict[str, tuple[str, list[str]]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if start := re.match(r"FROM (\S+)(?: AS (\S+))?", line):
            lines = []
            found[start[2] or image] = (start[1], lines)
        else:
            lines.append(line)
    chain, name = list[str](), image
    while name in found:
        name, own = found[name]
        chain = [*own, *chain]
    return chain


def image_variables(image: str) -> dict[str, str]:
    """What the Dockerfile's ENV sets."""
    if image not in DOCKERFILES:
        return {}
    words = [word for line in stages(image) if line.startswith("ENV ") for word in shlex.split(line)[1:]]
    return dict(word.split("=", 1) for word in words)


def copied(image: str) -> list[str]:
    """The folders of ours that the Dockerfile copies into the image under their own name."""
    if image not in DOCKERFILES:
        return []
    return [copy[1] for line in stages(image) if (copy := re.fullmatch(r"COPY (\w+) \1", line.strip()))]
