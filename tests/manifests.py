"""Kubernetes manifests as kubectl renders them, and the parts of them that tests ask for."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from deploy.local.settings import ROOT
from tests.programs import program

OVERLAYS = ("cpu", "gpu", "production")
OURS = "pneumoserve/"  # images that deploy/docker builds
Object = dict[str, Any]


@cache
def rendered(overlay: str) -> list[Object]:
    """Every object of an overlay."""
    return rendered_at(ROOT / "deploy" / "kubernetes" / "overlays" / overlay)


def rendered_at(folder: Path) -> list[Object]:
    """Every object of a kustomization; without kubectl the test is skipped, in CI it fails."""
    words = [program("kubectl", "kubernetes-client"), "kustomize", str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "deprecated" not in done.stderr
    return [dict(found) for found in yaml.safe_load_all(done.stdout)]


def of_kind(overlay: str, *kinds: str) -> list[Object]:
    return [found for found in rendered(overlay) if found["kind"] in kinds]


@dataclass(frozen=True)
class Workload:
    """What starts pods: a Deployment, StatefulSet, Job or CronJob, and its pod template."""

    kind: str
    name: str
    template: Object
    claims: frozenset[str]  # of a StatefulSet's volumeClaimTemplates

    @property
    def pod(self) -> Object:
        spec: Object = self.template["spec"]
        return spec

    @property
    def labels(self) -> dict[str, str]:
        labels: dict[str, str] = self.template["metadata"]["labels"]
        return labels

    def containers(self) -> list[Object]:
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    def ports(self) -> dict[str, int]:
        """Container ports by name."""
        return {port["name"]: port["containerPort"] for each in self.containers() for port in each.get("ports", [])}


def workloads(overlay: str) -> list[Workload]:
    found = []
    for each in of_kind(overlay, "Deployment", "StatefulSet", "Job", "CronJob", "DaemonSet"):
        spec = each["spec"]["jobTemplate"]["spec"] if each["kind"] == "CronJob" else each["spec"]
        claims = frozenset(claim["metadata"]["name"] for claim in each["spec"].get("volumeClaimTemplates", []))
        found.append(Workload(each["kind"], each["metadata"]["name"], spec["template"], claims))
    return found


def environment_of(overlay: str, container: Object, secrets: dict[str, dict[str, str]]) -> dict[str, str]:
    """The variables a container would get, with ``secrets`` as the cluster's; ``$(NAME)`` is not yet replaced."""
    maps = {found["metadata"]["name"]: found.get("data", {}) for found in of_kind(overlay, "ConfigMap")}
    environment: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            environment |= maps[source["configMapRef"]["name"]]
        else:
            environment |= secrets[source["secretRef"]["name"]]
    for variable in container.get("env", []):
        if "value" in variable:
            environment[variable["name"]] = variable["value"]
        else:
            reference = variable["valueFrom"]["secretKeyRef"]
            environment[variable["name"]] = secrets[reference["name"]][reference["key"]]
    return environment


def words_of(container: Object, environment: dict[str, str]) -> list[str]:
    """Command and arguments, with ``$(NAME)`` replaced as Kubernetes does."""
    words = [*container.get("command", []), *container.get("args", [])]
    for name, value in environment.items():
        words = [word.replace(f"$({name})", value) for word in words]
    return words


def secret_keys(overlay: str) -> Iterator[tuple[str, str]]:
    """Every (Secret, key) that something reads; a Secret read whole is ``(name, '*')``."""
    for workload in workloads(overlay):
        for container in workload.containers():
            for source in container.get("envFrom", []):
                if "secretRef" in source:
                    yield source["secretRef"]["name"], "*"
            for variable in container.get("env", []):
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if reference:
                    yield reference["name"], reference["key"]
        for volume in workload.pod.get("volumes", []):
            if "secret" in volume:
                for item in volume["secret"].get("items", [{"key": "*"}]):
                    yield volume["secret"]["secretName"], item["key"]
    for each in of_kind(overlay, "Ingress"):
        for tls in each["spec"].get("tls", []):
            yield tls["secretName"], "tls.crt"
            yield tls["secretName"], "tls.key"
    for each in of_kind(overlay, "TriggerAuthentication"):
        for reference in each["spec"]["secretTargetRef"]:
            yield reference["name"], reference["key"]
