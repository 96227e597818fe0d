"""A model is published into a running Triton under traffic, and a bad one is taken back."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as triton

from cxr.triton import ModelClient
from deploy.local.settings import ROOT
from tests.model_runs import SIZE_PX, empty_repository, write_run
from tests.stack import Stack, wait_until
from trainer.golden import GoldenSet
from trainer.phantom import phantoms
from trainer.publish import publish_run
from trainer.refusals import RolledBack
from trainer.repository import card_of, card_to_serve, served_card, versions

SERVED = ROOT / "model_repository" / "pneumonia_classifier"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that serves a toy model as version 1, through the real Python backend's program."""
    base = tmp_path_factory.mktemp("publish")
    program = (SERVED / str(card_to_serve(SERVED).version) / "model.py").read_text()
    folder = empty_repository(base / "model_repository", program)
    write_run(base / "first")
    publish_run(base / "first", folder, 1, replace=True)
    return folder


@pytest.fixture(scope="module")
def model(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelClient]:
    stack = Stack(tmp_path_factory.mktemp("triton"), CXR_MODEL_REPOSITORY=str(folder.parent))
    try:
        stack.start("triton")
        yield stack.model
    finally:
        stack.close()


class Traffic:
    """Four threads that ask Triton all the time; which versions answered, and every error."""

    def __init__(self, address: str) -> None:
        self._client, self._stop = triton.InferenceServerClient(address), threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(4)]
        self.versions: list[int] = []
        self.errors: list[Exception] = []

    def _ask(self) -> None:
        image = triton.InferInput("IMAGE", [3, 1, SIZE_PX, SIZE_PX], "UINT8")
        image.set_data_from_numpy(phantoms(3, SIZE_PX))
        while not self._stop.is_set():
            try:
                answer = self._client.infer("pneumonia_classifier", [image], client_timeout=30)
                self.versions.append(int(answer.get_response().model_version))
            except Exception as error:
                self.errors.append(error)

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._client.close()


def test_requests_batched_together_get_their_own_rows(model: ModelClient) -> None:
    films = phantoms(64, SIZE_PX)
    whole = model.infer(films)
    starts = np.cumsum([0, 1, 2, 3, 5, 8, 13, 1, 31])
    with ThreadPoolExecutor(8) as threads:
        parts = list(threads.map(lambda i: model.infer(films[starts[i] : starts[i + 1]]), range(len(starts) - 1)))
    np.testing.assert_allclose(np.concatenate([part.probability for part in parts]), whole.probability, atol=1e-6)
    np.testing.assert_allclose(np.concatenate([part.heatmap for part in parts]), whole.heatmap, rtol=1e-5)
    np.testing.assert_allclose(whole.ood_score, films.mean((1, 2, 3)) / 255, rtol=1e-5)


def test_a_version_is_replaced_under_traffic_without_a_failed_request(
    model: ModelClient, folder: Path, tmp_path: Path
) -> None:
    write_run(tmp_path / "second", bias=2.0)
    before = model.infer(phantoms(4, SIZE_PX))
    with Traffic(model.address) as traffic:
        card = publish_run(tmp_path / "second", folder, 2, client=model)
        wait_until(lambda: 2 in traffic.versions, 30, "version 2 to answer the traffic")
    assert traffic.errors == []
    assert set(traffic.versions) == {1, 2}
    assert model.card() == card == served_card(folder)
    assert (model.infer(phantoms(4, SIZE_PX)).probability > before.probability).all()


def test_an_earlier_version_is_served_again_by_one_command(model: ModelClient, folder: Path) -> None:
    newest, films = served_card(folder), phantoms(4, SIZE_PX)
    assert newest is not None
    before = model.infer(films).probability
    for version in (1, newest.version):
        command = [sys.executable, "-m", "trainer", "serve", "--version", str(version)]
        command += ["--repository", str(folder.parent)]
        environment = {**os.environ, "CXR_TRITON_PORT": model.address.split(":")[1]}
        environment.pop("CXR_TRITON_URL", None)
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "proved on Triton" in " ".join(done.stdout.split())
        assert model.card() == served_card(folder) == card_of(folder, version)
        assert (model.infer(films).probability == before).all() == (version == newest.version)


def test_a_version_that_disagrees_with_its_golden_set_is_taken_back(
    model: ModelClient, folder: Path, tmp_path: Path
) -> None:
    served, before = model.card(), model.infer(phantoms(4, SIZE_PX)).probability
    write_run(tmp_path / "bad", bias=-2.0)
    golden = GoldenSet.load(tmp_path / "bad" / "golden.npz")
    GoldenSet(golden.images, 1 - golden.probability, golden.ood_score).save(tmp_path / "bad" / "golden.npz")
    files = sorted(path.name for path in folder.iterdir())
    with pytest.raises(RolledBack, match="golden"):
        publish_run(tmp_path / "bad", folder, max(versions(folder)) + 1, client=model)
    assert sorted(path.name for path in folder.iterdir()) == files
    assert model.card() == served == served_card(folder)
    np.testing.assert_array_equal(model.infer(phantoms(4, SIZE_PX)).probability, before)


def test_a_version_that_triton_cannot_load_is_taken_back(model: ModelClient, folder: Path, tmp_path: Path) -> None:
    served = model.card()
    write_run(tmp_path / "broken")
    program = folder / str(served.version) / "model.py"
    good = program.read_text()
    program.write_text("raise RuntimeError('no backend')\n")  # carried on into the next version
    try:
        with pytest.raises(RolledBack):
            publish_run(tmp_path / "broken", folder, served.version + 1, client=model)
    finally:
        program.write_text(good)
    assert served_card(folder) == served
    assert versions(folder)[-1] == served.version
