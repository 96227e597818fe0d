"""A real Prometheus scrapes the running stack: every query of the dashboard finds data, every alert is evaluated."""

from __future__ import annotations

import io
import math
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from bench.served import MODEL, version_folder
from deploy.local.settings import ROOT
from tests.dicom_network import Archive, DoorProcess
from tests.files import dicom, png
from tests.observed_stack import ObservedStack
from tests.prometheus import Prometheus
from tests.stack import free_port, wait_until
from tests.unit.test_observe import ALERTS, dashboard_queries
from trainer.contract import OOD_SCORE
from trainer.phantom import phantoms
from trainer.repository import card_to_serve
from trainer.served_program import program_scorer

FILMS, ROUNDS = 8, 2  # drawn; sent so often that the drift is shown, which takes 200 answers


def model_that_knows_drawn_films(folder: Path) -> Path:
    """The served model with its limit among the drawn films, so that most are judged and some refused."""
    repository = folder / "models"
    shutil.copytree(ROOT / "model_repository", repository)
    configuration = repository / "pneumonia_classifier" / "configs" / "cpu.pbtxt"
    text = configuration.read_text()
    start = text.index('\\"ood_limit\\":')
    end = text.index("}", start)
    limit = float(np.quantile(ood_scores(np.concatenate([drawn(each) for each in range(ROUNDS)])), 0.75))
    configuration.write_text(f'{text[:start]}\\"ood_limit\\":{limit}{text[end:]}')
    return repository


def ood_scores(films: np.ndarray) -> np.ndarray:
    """[N] of the served version."""
    version = version_folder()
    return program_scorer(version / "model.py", version, card_to_serve(MODEL), "openvino-fp32")(films)[OOD_SCORE]


def drawn(round_number: int) -> np.ndarray:
    return phantoms(FILMS, 224, seed=round_number)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It has scraped a stack that judged, refused, received and returned, twice."""
    folder = tmp_path_factory.mktemp("dashboard")
    stack = ObservedStack(folder, CXR_MODEL_REPOSITORY=str(model_that_knows_drawn_films(folder)))
    archive, dicom_metrics = Archive(folder / "archive"), free_port()
    watching: Prometheus | None = None
    door: DoorProcess | None = None
    try:
        archive.start()
        stack.start("redis", "triton", "worker", "gateway")
        door = DoorProcess(stack, folder, CXR_DICOM_METRICS_PORT=str(dicom_metrics), CXR_DICOM_RETURN_TO=archive.name)
        targets = {
            "gateway": stack.gateway_metrics,
            "worker": stack.worker_metrics,
            "triton": stack.triton_metrics,
            "dicom": f"127.0.0.1:{dicom_metrics}",
        }
        watching = Prometheus(folder, targets)
        for round_number in range(ROUNDS):
            use(stack, door, folder, round_number)
            wait_until(lambda: not stack.ledger.redis.exists("cxr:dicom:returns"), 60, "results to be returned")
            seen = watching.query("sum(cxr_received_images_total)")
            wait_until(
                lambda seen=seen: watching.query("sum(cxr_received_images_total)") != seen, 30, "the next scrapes"
            )
        yield watching
    finally:
        if watching:
            watching.close()
        if door:
            door.stop()
        archive.stop()
        stack.close()


def use(stack: ObservedStack, door: DoorProcess, folder: Path, round_number: int) -> None:
    films = [png(film[0]) for film in drawn(round_number)]
    batch = io.BytesIO()
    with zipfile.ZipFile(batch, "w") as archive:
        for number in range(208):
            archive.writestr(f"{number}.png", films[number % FILMS])
    for name, content in (("batch.zip", batch.getvalue()), ("film.png", films[0]), ("note.txt", b"not a film")):
        answer = httpx.post(f"{stack.gateway_url}/v1/jobs", files={"files": (name, content)}, timeout=60)
        stack.results(answer.raise_for_status().json()["id"], timeout_s=120)
    assert httpx.get(f"{stack.gateway_url}/v1/jobs/none").status_code == 404
    paths = []
    for number, film in enumerate(phantoms(4, 512, seed=10 + round_number)):
        paths.append(folder / f"{number}.dcm")
        paths[-1].write_bytes(dicom(film[0], StudyInstanceUID="1.2.826.1", SeriesInstanceUID="1.2.826.1.1"))
    assert door.store(*paths).returncode == 0
    wait_until(lambda: all(job.state.final for job in stack.jobs.recent()), 60, "the door's job")


def test_every_query_of_the_dashboard_returns_data(prometheus: Prometheus) -> None:
    queries = list(dashboard_queries())
    deadline = time.monotonic() + 30
    while (empty := [pair for pair in queries if not finds_data(prometheus, pair[1])]) and time.monotonic() < deadline:
        time.sleep(1)
    assert empty == []


def finds_data(prometheus: Prometheus, query: str) -> bool:
    found = prometheus.query(query.replace("$__rate_interval", "1m"))
    return any(math.isfinite(float(series["value"][1])) for series in found)


def test_every_part_is_up_and_every_alert_is_evaluated(prometheus: Prometheus) -> None:
    up = {series["metric"]["job"]: series["value"][1] for series in prometheus.query("up")}
    assert up == dict.fromkeys(("gateway", "worker", "triton", "dicom"), "1")
    wait_until(lambda: set(prometheus.rules().values()) == {"ok"}, 60, f"alerts: {prometheus.rules()}")
    assert set(prometheus.rules()) == {rule["alert"] for rule in ALERTS}
