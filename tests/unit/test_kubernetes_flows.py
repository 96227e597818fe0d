"""The network policies permit the flows that docs/architecture.md lists, and no other."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest

from deploy.local.settings import ROOT
from tests.manifests import OVERLAYS, of_kind, workloads

Flow = tuple[str, str, int]
NAMESPACE = "kubernetes.io/metadata.name"
OBJECT_STORE, DICOM_NETWORK = "object store", "DICOM network"
OUTSIDE = ("traefik", "monitoring", "keda", "kube-system", OBJECT_STORE, DICOM_NETWORK, "anywhere else")
ANY_PORT = (53, 80, 104, 443, 4318, 6379, 7860, 8000, 8001, 8002, 9101, 9102, 9103, 11112, 31337)


def documented(overlay: str) -> set[Flow]:
    text = (ROOT / "docs" / "architecture.md").read_text().split("## Who may talk to whom")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([\w -]+) \| ([\w -]+) \| (\d+) \| (\w+) \|", text, re.MULTILINE)
    return {(source, target, int(port)) for source, target, port, where in rows if where in ("all", overlay)}


def chooses(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Kubernetes' label selectors, as far as these manifests use them."""
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


def is_peer(peer: dict[str, Any], party: str, labels: dict[str, str] | None) -> bool:
    """Whether a policy's peer is this party: a pod of ours with ``labels``, or somebody outside."""
    if "ipBlock" in peer:
        return party == (DICOM_NETWORK if peer["ipBlock"]["cidr"].startswith("10.") else OBJECT_STORE)
    if "namespaceSelector" in peer:
        return labels is None and chooses(peer["namespaceSelector"], {NAMESPACE: party})
    return labels is not None and chooses(peer["podSelector"], labels)


def permits(
    policies: list[dict[str, Any]], side: str, labels: dict[str, str], other: tuple[Any, ...], port: int
) -> bool:
    """Whether the policies that choose a pod let it talk: at least one rule must, and without a policy all may."""
    ours = [p["spec"] for p in policies if chooses(p["spec"]["podSelector"], labels)]
    ours = [spec for spec in ours if side.capitalize() in spec["policyTypes"]]
    if not ours:
        return True
    peers = {"ingress": "from", "egress": "to"}[side]
    return any(
        any(is_peer(peer, *other) for peer in rule[peers]) and port in {each["port"] for each in rule["ports"]}
        for spec in ours
        for rule in spec.get(side, [])
    )


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_policies_permit_the_documented_flows_and_no_other(overlay: str) -> None:
    policies = of_kind(overlay, "NetworkPolicy")
    pods: dict[str, dict[str, str] | None] = {each.name: each.labels for each in workloads(overlay)}
    parties = {**pods, **dict.fromkeys(OUTSIDE)}
    permitted = set()
    for (source, from_labels), (target, to_labels), port in product(parties.items(), parties.items(), ANY_PORT):
        if source == target or (from_labels is None and to_labels is None):
            continue
        leaves = from_labels is None or permits(policies, "egress", from_labels, (target, to_labels), port)
        arrives = to_labels is None or permits(policies, "ingress", to_labels, (source, from_labels), port)
        if leaves and arrives:
            permitted.add((source, target, port))
    assert permitted == documented(overlay)


def test_a_pod_without_a_policy_of_its_own_is_denied_everything() -> None:
    policies = of_kind("cpu", "NetworkPolicy")
    stranger = {"app.kubernetes.io/name": "stranger"}
    for side in ("ingress", "egress"):
        assert not permits(policies, side, stranger, ("redis", {"app.kubernetes.io/name": "redis"}), 6379)
