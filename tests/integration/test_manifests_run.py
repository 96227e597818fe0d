"""The manifests are executed: every process with exactly its command, arguments and variables, on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from deploy.local.settings import ROOT
from tests.containers import Machine, Part
from tests.files import png
from tests.object_store import Bucket
from tests.otlp_sink import OtlpSink
from tests.parts import SECRETS, of_compose, of_kubernetes
from tests.stack import wait_until
from tests.whole_traces import whole_trace
from trainer.contract import MODEL_NAME
from trainer.golden import PHANTOMS, GoldenSet
from trainer.repository import served_card

SERVERS = ("redis", "triton", "worker", "gateway")
TOLD_TO_STOP = (0, -15, 143)  # well, by SIGTERM, or as a shell says that
ALONE = ("worker", "gateway", "dicom", "retention")  # that read our settings


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    try:
        yield machine
    finally:
        machine.close()


@pytest.fixture(scope="module")
def cluster(machine: Machine) -> dict[str, Part]:
    """The overlay `cpu`, started in the order that a cluster does not promise: all at once."""
    parts = of_kubernetes("cpu", SECRETS)
    for name in reversed(SERVERS):
        machine.start(parts[name])
    return parts


def judge(machine: Machine, film: bytes, traceparent: str = "") -> dict[str, object]:
    """One film through the gateway's own door."""
    url = f"http://127.0.0.1:{machine.ports[7860]}"
    headers = {"Authorization": f"Bearer {machine.key}", "traceparent": traceparent}
    with httpx.Client(base_url=url, timeout=30, headers=headers) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200, 60, "the gateway to see ledger and model")
        job = client.post("/v1/jobs", files=[("files", ("film.png", film))]).raise_for_status().json()
        wait_until(lambda: client.get(f"/v1/jobs/{job['id']}").json()["state"] == "done", 60, "the answer")
        row: dict[str, object] = client.get(f"/v1/jobs/{job['id']}/results").json()["results"][0]["result"]
        return row


def test_every_probe_of_the_cluster_agrees(machine: Machine, cluster: dict[str, Part]) -> None:
    for name in SERVERS:
        for probe in cluster[name].probes.values():
            machine.wait(cluster[name], probe)
        for port in cluster[name].ports.values():
            # Triton opens the port of its metrics last.
            wait_until(lambda port=port: machine.listens(port), 20, f"{name} to listen on its port {port}")
    assert all(machine.get(port, "/metrics") for port in (9101, 9102, 8002))


def test_a_film_is_judged_on_the_cluster(machine: Machine, cluster: dict[str, Part]) -> None:
    assert judge(machine, png())["kind"] in ("prediction", "rejection")


def test_the_gateway_asks_for_a_key(machine: Machine, cluster: dict[str, Part]) -> None:
    machine.wait(cluster["gateway"], cluster["gateway"].probes["readinessProbe"])
    assert httpx.get(f"http://127.0.0.1:{machine.ports[7860]}/v1/model", timeout=10).status_code == 401


def test_retention_runs_to_its_end(machine: Machine, cluster: dict[str, Part]) -> None:
    done = machine.run(cluster["retention"])
    assert done.returncode == 0, done.stdout + done.stderr


def test_triton_refuses_administration_without_its_key(machine: Machine, cluster: dict[str, Part]) -> None:
    import tritonclient.grpc as triton
    from tritonclient.utils import InferenceServerException

    machine.wait(cluster["triton"], cluster["triton"].probes["readinessProbe"])
    with triton.InferenceServerClient(f"127.0.0.1:{machine.ports[8001]}") as client:
        for administrate in (client.get_model_repository_index, client.get_system_shared_memory_status):
            with pytest.raises(InferenceServerException, match="restricted"):
                administrate(client_timeout=5)
        with pytest.raises(InferenceServerException):
            client.unload_model("pneumonia_classifier", headers={"triton-admin-key": SECRETS["triton"]["admin-key"]})
        assert client.is_model_ready("pneumonia_classifier")


@pytest.mark.parametrize("name", ALONE)
def test_an_unknown_or_missing_variable_ends_the_process_at_once(machine: Machine, name: str) -> None:
    part = of_kubernetes("production", {**SECRETS, "blobs": {}})[name]
    done = machine.run(part, CXR_RETENTION="1", CXR_REDIS_URL=None)
    assert done.returncode != 0
    assert "CXR_RETENTION is unknown" in done.stdout + done.stderr
    assert "CXR_REDIS_URL is missing" in done.stdout + done.stderr


def test_everybody_ends_within_the_grace_period(machine: Machine, cluster: dict[str, Part]) -> None:
    for name in reversed(SERVERS):
        assert machine.stop(cluster[name]) in TOLD_TO_STOP, f"{name}: {machine.log(cluster[name])}"


def judge_under_one_trace(machine: Machine, sink: OtlpSink) -> None:
    """A film whose trace holds gateway, worker and Triton."""

    def judge_traced(traceparent: str, film: bytes) -> None:
        assert judge(machine, film, traceparent)["kind"] in ("prediction", "rejection")

    whole_trace(sink, judge_traced)


def test_compose_judges_a_film_traces_it_and_stops(tmp_path: Path) -> None:
    """The profiles cpu, dicom and observe, with the variable that the file's head names."""
    machine, parts = Machine(tmp_path), of_compose(CXR_OTLP_ENDPOINT="http://tempo:4318")
    sink = OtlpSink(machine.ports[4318])
    try:
        for name in (*SERVERS, "dicom"):
            machine.start(parts[name])
        for name in (*SERVERS, "dicom"):
            machine.wait(parts[name], parts[name].probes["startupProbe"])
        judge_under_one_trace(machine, sink)
        assert machine.listens(11112)
        with pytest.raises(NoPermissionError), Redis(port=machine.ports[6379]) as stranger:
            stranger.dbsize()
        for name in ("dicom", *reversed(SERVERS)):
            assert machine.stop(parts[name]) in TOLD_TO_STOP, f"{name}: {machine.log(parts[name])}"
    finally:
        machine.close()
        sink.close()


def test_production_judges_a_film_from_an_object_store(tmp_path: Path, bucket: Bucket) -> None:
    """The overlay `production`, but for its engine: the one for CPUs, brought and proved by the same init container."""
    machine = Machine(tmp_path)
    sink = OtlpSink(machine.ports[4318])
    parts = of_kubernetes("production", {**SECRETS, "blobs": {"CXR_BLOBS_URL": bucket.url, **bucket.environment}})
    engine, triton = parts["triton/engine"], parts["triton"]
    parts["triton"] = replace(triton, words=[*triton.words, "--model-config-name=cpu"])
    servers = (*SERVERS, "dicom")
    try:
        done = machine.run(replace(engine, words=[*engine.words, "--config-name=cpu"]))
        assert done.returncode == 0, done.stderr
        for name in servers:
            machine.start(parts[name])
        for name in servers:
            for probe in parts[name].probes.values():
                machine.wait(parts[name], probe)
        assert all(machine.get(port, "/metrics") for port in (9101, 9102, 9103))
        judge_under_one_trace(machine, sink)
        assert bucket.names()
        assert machine.run(parts["retention"]).returncode == 0
        for name in reversed(servers):
            assert machine.stop(parts[name]) in TOLD_TO_STOP, f"{name}: {machine.log(parts[name])}"
    finally:
        machine.close()
        sink.close()


def test_without_tensorrt_the_init_container_fails_and_says_why(machine: Machine) -> None:
    parts = of_kubernetes("gpu", SECRETS)
    for part in (parts["triton/engine"], of_compose()["engine"]):
        done = machine.run(part)
        assert done.returncode == 2
        assert "engine_unavailable" in done.stderr


def test_an_engine_is_proved_before_it_serves(tmp_path: Path) -> None:
    """The init container's own steps with the CPU engine in TensorRT's place: right answers pass, wrong ones do not."""
    machine, part = Machine(tmp_path), of_kubernetes("gpu", SECRETS)["triton/engine"]
    part = replace(part, words=[*part.words, "--config-name=cpu"])
    done = machine.run(part)
    assert done.returncode == 0, done.stderr
    assert "golden films as the ONNX model does" in done.stdout.replace("\n", " ")
    source = machine.paths["/models"]
    (source / MODEL_NAME).unlink()
    shutil.copytree(ROOT / "model_repository" / MODEL_NAME, source / MODEL_NAME)
    card = served_card(source / MODEL_NAME)
    assert card
    phantoms = source / MODEL_NAME / str(card.version) / PHANTOMS
    golden = GoldenSet.load(phantoms)
    replace(golden, probability=1 - golden.probability).save(phantoms)
    refused = machine.run(part)
    assert refused.returncode == 2
    assert "gate_closed" in refused.stderr
