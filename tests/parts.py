"""The parts of the running system as Kubernetes and Compose describe them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from deploy.local.settings import ROOT
from tests.containers import Part
from tests.manifests import OURS, Workload, environment_of, words_of, workloads

Secrets = dict[str, dict[str, str]]
SECRETS: Secrets = {
    "redis": {"password": "pass-word-of-the-test", "url": "redis://:pass-word-of-the-test@redis:6379/0"},
    "triton": {"admin-key": "admin-key-of-the-test"},
}
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def of_kubernetes(overlay: str, secrets: Secrets) -> dict[str, Part]:
    """Every container of an overlay by workload; ``triton/engine`` is an init container."""
    return {
        workload.name if container in workload.pod["containers"] else f"{workload.name}/{container['name']}": _part(
            overlay, workload, container, secrets
        )
        for workload in workloads(overlay)
        for container in workload.containers()
    }


def _part(overlay: str, workload: Workload, container: dict[str, Any], secrets: Secrets) -> Part:
    environment = environment_of(overlay, container, secrets)
    return Part(
        name=workload.name,
        image=_image(container["image"]),
        words=words_of(container, environment),
        environment=environment,
        ports=workload.ports(),
        probes={name: container[name] for name in PROBES if name in container},
        grace_s=workload.pod["terminationGracePeriodSeconds"],
    )


def _image(reference: str) -> str:
    return reference.removeprefix(OURS).partition(":")[0]


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def of_compose(**variables: str) -> dict[str, Part]:
    """Every service that runs one of our images or Redis, as ``docker compose`` with these variables would start it.

    Docker asks a health check as an exec probe.
    """
    parts = {}
    for name, service in compose()["services"].items():
        image = _image(service["image"])
        if not service["image"].startswith((OURS, "redis:")):
            continue
        words = [defaulted(str(word), variables) for word in service["command"]]
        if image == "triton":
            words = ["tritonserver", *words]  # the image's entry point
        test = [defaulted(word) for word in service.get("healthcheck", {}).get("test", [])]
        probes = {"startupProbe": {"exec": {"command": test[1:]}, "failureThreshold": 6}} if test else {}
        environment = {key: defaulted(str(value), variables) for key, value in service.get("environment", {}).items()}
        grace_s = float(str(service.get("stop_grace_period", "10s")).removesuffix("s"))
        parts[name] = Part(name, image, words, environment, probes=probes, grace_s=grace_s)
    return parts


def defaulted(value: str, variables: Mapping[str, str] | None = None) -> str:
    """A value as Compose reads it: what somebody set in place of a variable, or what stands there for it; $$ is a $."""
    value = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: (variables or {}).get(found[1]) or found[2], value)
    return value.replace("$$", "$")
