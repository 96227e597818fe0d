"""The files of deploy/observe: read by promtool, in step with the metrics and with the operations guide."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
import yaml

from cxr.telemetry.metrics import REGISTRY
from deploy.local.settings import ROOT
from gateway.http_edge import UNLOGGED as PROBES
from tests.parts import compose
from tests.programs import program
from tests.prometheus import OBSERVE

ALERTS = [rule for group in yaml.safe_load((OBSERVE / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = OBSERVE / "grafana" / "dashboards" / "pneumoserve.json"
METRIC = re.compile(r"\b(cxr_[a-z_]+|nv_[a-z_]+|process_[a-z_]+)\b")


def anchors(markdown: str) -> set[str]:
    """The headings of a page as GitHub links to them."""
    headings = re.findall(r"^#+ (.+)$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dashboard_queries() -> Iterator[tuple[str, str]]:
    """Panel and expression of every query of the dashboard."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def known_metrics() -> set[str]:
    """Every name under which our processes show something, ``_bucket``, ``_sum`` and ``_count`` included."""
    for module in ("answers", "dicom", "intake", "refusals", "requests", "stages"):
        import_module(f"cxr.telemetry.{module}")
    names = set()
    for family in REGISTRY.collect():
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        names |= {family.name + ending for ending in endings}
    read = [(ROOT / path).read_text() for path in ("cxr/jobs/gauges.py", "gateway/dicom/door.py")]
    return names | set(re.findall(r'"(cxr_[a-z_]+)"', "".join(read)))


@pytest.mark.parametrize(
    "words",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "config", "prometheus-local.yml"),
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts.test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_agrees(words: tuple[str, ...]) -> None:
    command = [program("promtool", "prometheus"), *words]
    done = subprocess.run(command, cwd=OBSERVE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tried_both_ways() -> None:
    tried: dict[str, set[bool]] = {}
    for test in yaml.safe_load((OBSERVE / "alerts.test.yml").read_text())["tests"]:
        for case in test["alert_rule_test"]:
            tried.setdefault(case["alertname"], set()).add(bool(case["exp_alerts"]))
    assert tried == {rule["alert"]: {True, False} for rule in ALERTS}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_names_its_section_and_says_who_wakes(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor in anchors((ROOT / page).read_text())
    assert rule["labels"]["severity"] in ("page", "ticket")


def test_alerts_and_panels_ask_for_metrics_that_there_are() -> None:
    asked = {name for rule in ALERTS for name in METRIC.findall(rule["expr"])}
    asked |= {name for _, query in dashboard_queries() for name in METRIC.findall(query)}
    ours = {name for name in asked if name.startswith("cxr_")}
    assert ours <= known_metrics()


def test_failures_are_counted_without_the_probes() -> None:
    counted = [rule["expr"] for rule in ALERTS] + [query for _, query in dashboard_queries()]
    counted = [expression for expression in counted if "cxr_http_requests_total" in expression]
    assert len(counted) == 2
    assert all(f'route!~"{"|".join(PROBES)}"' in expression for expression in counted)


def test_panels_have_numbers_titles_and_the_provisioned_source() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    sources = yaml.safe_load((OBSERVE / "grafana" / "datasources" / "datasources.yml").read_text())["datasources"]
    uids = {source["uid"] for source in sources}
    assert {target["datasource"]["uid"] for panel in panels for target in panel.get("targets", [])} <= uids


def test_compose_mounts_what_there_is_and_prometheus_looks_where_services_are() -> None:
    services = compose()["services"]
    observed = [name for name, service in services.items() if service.get("profiles") == ["observe"]]
    assert sorted(observed) == ["grafana", "prometheus", "tempo"]
    for name in observed:
        for volume in services[name]["volumes"]:
            source = volume.partition(":")[0]
            assert not source.startswith("./") or (ROOT / source).exists(), volume
    for job in yaml.safe_load((OBSERVE / "prometheus.yml").read_text())["scrape_configs"]:
        [names] = [found["names"] for found in job["dns_sd_configs"]]
        aliases = [
            service.get("networks", {}) for service in services.values() if isinstance(service.get("networks"), dict)
        ]
        known = set(services) | {alias for networks in aliases for net in networks.values() for alias in net["aliases"]}
        assert set(names) <= known
