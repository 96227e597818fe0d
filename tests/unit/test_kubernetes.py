"""The manifests: rendered by kubectl, valid for current Kubernetes, restricted, and consistent in themselves."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from cxr.queue import celery_app
from cxr.settings import READ_ELSEWHERE, Settings
from deploy.local.settings import ROOT
from tests.manifests import (
    OURS,
    OVERLAYS,
    Workload,
    environment_of,
    of_kind,
    rendered,
    rendered_at,
    secret_keys,
    workloads,
)

# The oldest release of Kubernetes that the manifests are for (preStop.sleep without a feature gate), and the newest.
RELEASES = ("1.34", "1.37")
KEDA = ("ScaledObject", "TriggerAuthentication")  # their schema is not Kubernetes' own; see below
OPERATIONS = ROOT / "docs" / "operations.md"
SEEN = (ROOT / "docs" / "reliability.md").read_text()

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def documented_secrets() -> set[tuple[str, str]]:
    """The table of Secrets in docs/operations.md: | `secret` | `key` | ..."""
    rows = re.findall(r"^\| `([a-z-]+)` \| `([A-Za-z_.*-]+)` \|", OPERATIONS.read_text(), re.MULTILINE)
    return set(rows)


@every_overlay
@pytest.mark.parametrize("release", RELEASES)
def test_every_object_fits_the_schema(overlay: str, release: str) -> None:
    known = [found for found in rendered(overlay) if found["kind"] not in KEDA]
    assert {"Deployment", "Service", "NetworkPolicy"} <= {found["kind"] for found in known}
    for found in known:
        kubernetes_validate.validate(found, release, strict=True)


def test_scaled_objects_have_what_keda_wants() -> None:
    """Fields of keda.sh/v1alpha1 that these manifests use, by KEDA 2.17's reference; its CRD is packaged nowhere."""
    scaled = {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "pollingInterval", "cooldownPeriod", "fallback"}
    lists = {queue.name for queue in celery_app("redis://127.0.0.1:1/0").conf.task_queues}
    [found] = of_kind("production", "ScaledObject")
    assert set(found["spec"]) == scaled | {"triggers"}
    assert set(found["spec"]["fallback"]) == {"failureThreshold", "replicas", "behavior"}
    assert found["spec"]["fallback"]["behavior"] == "currentReplicas"
    assert found["spec"]["scaleTargetRef"] == {"name": "worker"}
    authentications = {each["metadata"]["name"] for each in of_kind("production", "TriggerAuthentication")}
    for trigger in found["spec"]["triggers"]:
        assert trigger["type"] == "redis"
        assert set(trigger["metadata"]) == {"address", "listName", "listLength", "databaseIndex"}
        assert all(isinstance(value, str) for value in trigger["metadata"].values())
        assert trigger["authenticationRef"]["name"] in authentications
    assert {trigger["metadata"]["listName"] for trigger in found["spec"]["triggers"]} == lists
    scalers = {each["metadata"]["name"] for each in of_kind("production", "HorizontalPodAutoscaler")}
    assert scalers == {"gateway"}, "two autoscalers of one Deployment fight"


@every_overlay
def test_pods_keep_the_restricted_rules(overlay: str) -> None:
    """Pod Security Standards, profile restricted, and what this house adds to it."""
    [namespace] = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for workload in workloads(overlay):
        broken = [*_pod_breaks(workload.pod), *(rule for each in workload.containers() for rule in _breaks(each))]
        assert broken == [], f"{overlay}: {workload.kind} {workload.name}"


def _pod_breaks(pod: dict[str, Any]) -> list[str]:
    context = pod.get("securityContext", {})
    rules = {
        "host namespaces": not any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")),
        "volume kinds": all(
            set(volume) - {"name"} <= {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}
            for volume in pod.get("volumes", [])
        ),
        "runAsNonRoot": context.get("runAsNonRoot") is True,
        "numeric user, not root": context.get("runAsUser", 0) > 0,
        "seccomp": context.get("seccompProfile") == {"type": "RuntimeDefault"},
        "no token": pod.get("automountServiceAccountToken") is False,
        "own service account": pod.get("serviceAccountName", "default") != "default",
        "no service variables": pod.get("enableServiceLinks") is False,
    }
    return [rule for rule, kept in rules.items() if not kept]


def _breaks(container: dict[str, Any]) -> list[str]:
    context = container.get("securityContext", {})
    resources = container.get("resources", {})
    rules = {
        "no escalation": context.get("allowPrivilegeEscalation") is False,
        "capabilities": context.get("capabilities") == {"drop": ["ALL"]},
        "not privileged": not context.get("privileged"),
        "user": context.get("runAsUser", 1) > 0 and context.get("runAsNonRoot", True),
        "read-only root": context.get("readOnlyRootFilesystem") is True,
        "host ports": not any("hostPort" in port for port in container.get("ports", [])),
        "requests": {"cpu", "memory"} <= set(resources.get("requests", {})),
        "memory limit": "memory" in resources.get("limits", {}),
    }
    return [f"{container['name']}: {rule}" for rule, kept in rules.items() if not kept]


def megabytes(quantity: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", quantity).groups()  # type: ignore[union-attr]
    return int(number) * {"Mi": 2**20, "Gi": 2**30}[unit] / 1e6


def test_memory_that_is_asked_for_is_what_the_bench_saw_and_more() -> None:
    """Half as much again as the most that ``python -m bench.chaos`` saw of each; a limit is twice what is asked for."""
    rows = re.findall(r"^\| [\d,]+ \| \d+ MB" + 4 * r" \| (\d+) MB" + r" \| \d+ bytes \|", SEEN, re.MULTILINE)
    assert len(rows) == 2
    names = ("gateway", "worker", "triton", "redis")
    most = {name: max(int(row[place]) for row in rows) for place, name in enumerate(names)}
    for workload in workloads("cpu"):
        resources = workload.pod["containers"][0]["resources"]
        asked, limit = megabytes(resources["requests"]["memory"]), megabytes(resources["limits"]["memory"])
        assert asked <= limit / 2 or workload.name == "retention"
        assert asked > 1.5 * most.get(workload.name, 0), workload.name


@every_overlay
def test_every_image_is_pinned(overlay: str) -> None:
    for workload in workloads(overlay):
        for container in workload.containers():
            assert re.fullmatch(r"[a-z0-9./-]+:[0-9][\w.-]*(@sha256:[0-9a-f]{64})?", container["image"])


@every_overlay
def test_every_service_port_has_a_container_port_and_every_probe_a_listener(overlay: str) -> None:
    found = workloads(overlay)
    for service in of_kind(overlay, "Service"):
        chosen = [each for each in found if service["spec"]["selector"].items() <= each.labels.items()]
        assert len(chosen) == 1, service["metadata"]["name"]
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in chosen[0].ports()
    for workload in found:
        for container in workload.containers():
            for name in ("startupProbe", "readinessProbe", "livenessProbe"):
                for action in ("httpGet", "tcpSocket", "grpc"):
                    port = container.get(name, {}).get(action, {}).get("port")
                    assert port is None or port in {*workload.ports(), *workload.ports().values()}
    services = {service["metadata"]["name"]: service for service in of_kind(overlay, "Service")}
    for ingress in of_kind(overlay, "Ingress"):
        backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
        assert backend["port"]["name"] in {port["name"] for port in services[backend["name"]]["spec"]["ports"]}


@every_overlay
def test_volumes_claims_and_targets_exist(overlay: str) -> None:
    found = {each.name: each for each in workloads(overlay)}
    claims = {each["metadata"]["name"] for each in of_kind(overlay, "PersistentVolumeClaim")}
    for workload in found.values():
        volumes = {volume["name"] for volume in workload.pod.get("volumes", [])} | workload.claims
        mounts = {mount["name"] for each in workload.containers() for mount in each.get("volumeMounts", [])}
        assert volumes == mounts
        wanted = {volume["persistentVolumeClaim"]["claimName"] for volume in _claimed(workload)}
        assert wanted <= claims
    for scaler in of_kind(overlay, "HorizontalPodAutoscaler", "ScaledObject"):
        assert scaler["spec"]["scaleTargetRef"]["name"] in found
    for budget in of_kind(overlay, "PodDisruptionBudget"):
        assert budget["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] in found
    accounts = {each["metadata"]["name"]: each for each in of_kind(overlay, "ServiceAccount")}
    assert {each.pod["serviceAccountName"] for each in found.values()} == set(accounts)
    assert not any(each["automountServiceAccountToken"] for each in accounts.values())
    assert not of_kind(overlay, "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"), "nobody needs rights"


def _claimed(workload: Workload) -> list[dict[str, Any]]:
    return [volume for volume in workload.pod.get("volumes", []) if "persistentVolumeClaim" in volume]


@every_overlay
def test_secrets_are_references_to_documented_keys(overlay: str) -> None:
    assert of_kind(overlay, "Secret") == []
    documented = documented_secrets()
    names = {name for name, _ in documented}
    for name, key in secret_keys(overlay):
        assert (name, key) in documented or (key == "*" and name in names), f"{name}/{key} is not in {OPERATIONS.name}"


@every_overlay
def test_every_setting_is_one_that_the_program_knows(overlay: str) -> None:
    known = {f"CXR_{name.upper()}" for name in Settings.model_fields}
    secrets = {
        name: {key: "1" for other, key in documented_secrets() if other == name} for name, _ in documented_secrets()
    }
    seen = set()
    for workload in workloads(overlay):
        for container in workload.containers():
            if not container["image"].startswith(OURS):
                continue
            ours = {name for name in environment_of(overlay, container, secrets) if name.startswith("CXR_")}
            assert ours <= known
            assert not ours & READ_ELSEWHERE
            seen |= ours
    assert {"CXR_REDIS_URL", "CXR_TRITON_URL", "CXR_REQUIRED"} <= seen


def test_the_guides_overlay_leaves_our_redis_out(tmp_path: Path) -> None:
    """The overlay `mine` of docs/operations.md, as somebody would write it down."""
    shutil.copytree(ROOT / "deploy" / "kubernetes", tmp_path / "deploy" / "kubernetes")
    for path, text in re.findall(r"```yaml\n# (deploy/\S+)\n(.*?)```", OPERATIONS.read_text(), re.DOTALL):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    found = rendered_at(tmp_path / "deploy" / "kubernetes" / "overlays" / "mine")
    ours = {(each["kind"], each["metadata"]["name"]) for each in rendered("production")}
    mine = {(each["kind"], each["metadata"]["name"]) for each in found}
    left_out = {(kind, "redis") for kind in ("StatefulSet", "Service", "ServiceAccount", "NetworkPolicy")}
    assert ours - mine == left_out | {("NetworkPolicy", "redis-from-keda")}
    assert mine - ours == {("NetworkPolicy", "redis-elsewhere")}
    [scaled] = [each for each in found if each["kind"] == "ScaledObject"]
    assert {trigger["metadata"]["address"] for trigger in scaled["spec"]["triggers"]} == {"redis.example.org:6379"}
    for each in found:
        if each["kind"] not in KEDA:
            kubernetes_validate.validate(each, RELEASES[-1], strict=True)


def deployments(overlay: str) -> dict[str, dict[str, Any]]:
    """Their specs by name."""
    return {each["metadata"]["name"]: each["spec"] for each in of_kind(overlay, "Deployment")}


@every_overlay
def test_a_roll_needs_no_gpu_that_is_to_spare(overlay: str) -> None:
    """Where each pod holds a GPU, none comes before one went; elsewhere none goes before one came."""
    for name, spec in deployments(overlay).items():
        limits = [each["resources"]["limits"] for each in spec["template"]["spec"]["containers"]]
        on_gpu = any("nvidia.com/gpu" in limit for limit in limits)
        assert on_gpu == (name == "triton" and overlay != "cpu")
        surge, away = (0, 1) if on_gpu else (1, 0)
        assert spec["strategy"] == {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": surge, "maxUnavailable": away},
        }
        assert not on_gpu or spec["replicas"] > 1, "the others answer meanwhile"


def test_the_commands_of_an_upgrade_keep_the_order_that_the_guide_says() -> None:
    """What is paused stays so through `kubectl apply`, as no manifest says anything of it."""
    upgrade = OPERATIONS.read_text().split("## Upgrade")[1].split("\n## ")[0]
    [said] = re.findall(r"needs an order says so in CHANGELOG.md; it is ([^.]+)\.", upgrade)
    assert said == "Triton, workers, gateway, DICOM door"
    order = ["triton", "worker", "gateway", "dicom"]
    assert set(deployments("production")) == set(order)
    assert not any("paused" in spec for overlay in OVERLAYS for spec in deployments(overlay).values())
    pause, apply, *steps = re.search(r"```sh\n(.*?)```", upgrade, re.DOTALL)[1].splitlines()  # type: ignore[index]
    assert " rollout pause " in pause
    assert re.findall(r"deployment/(\w+)", pause) == order[1:]
    assert "kubectl apply -k " in apply
    taken = [re.findall(r"rollout (status|resume) deployment/(\w+)", step)[0] for step in steps]
    assert taken == [
        ("status", "triton"),
        *[(verb, name) for name in ("worker", "gateway") for verb in ("resume", "status")],
        ("resume", "dicom"),
    ]


def test_a_backup_is_put_back_into_the_same_volumes_as_the_same_users() -> None:
    found = {each.name: each for each in workloads("cpu")}
    holders = {"restore-ledger": (found["redis"], "ledger-redis-0"), "restore-films": (found["worker"], "blobs")}
    pods = rendered_at(ROOT / "deploy" / "kubernetes" / "restore")
    assert {pod["metadata"]["name"] for pod in pods} == set(holders)
    for pod in pods:
        kubernetes_validate.validate(pod, RELEASES[-1], strict=True)
        assert _pod_breaks(pod["spec"]) == []
        assert _breaks(pod["spec"]["containers"][0]) == []
        owner, claim = holders[pod["metadata"]["name"]]
        assert pod["spec"]["securityContext"] == owner.pod["securityContext"]
        [volume] = pod["spec"]["volumes"]
        assert volume["persistentVolumeClaim"]["claimName"] == claim
        [mount] = pod["spec"]["containers"][0]["volumeMounts"]
        assert mount["mountPath"] in {each["mountPath"] for each in owner.pod["containers"][0]["volumeMounts"]}
    assert "ledger" in found["redis"].claims
    assert "blobs" in {each["metadata"]["name"] for each in of_kind("cpu", "PersistentVolumeClaim")}


def test_nothing_in_the_folder_is_left_out_of_the_overlays() -> None:
    folder = ROOT / "deploy" / "kubernetes"
    for kustomization in folder.rglob("kustomization.yaml"):
        text = kustomization.read_text()
        for other in kustomization.parent.glob("*"):
            if other != kustomization:
                assert other.name in text, f"{other} is in nobody's list"
    listed = "".join((folder / "overlays" / overlay / "kustomization.yaml").read_text() for overlay in OVERLAYS)
    assert {each.name for each in (folder / "components").iterdir()} == set(re.findall(r"components/([\w-]+)", listed))
