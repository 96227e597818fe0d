"""Publishing without a server: whole version folders, and no change where anything fails."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="the toy model needs onnx")
pytest.importorskip("openvino", reason="the toy model is scored with openvino")

from cxr.errors import ModelUnavailable
from cxr.triton import ModelClient
from tests.model_runs import card_fields, empty_repository, write_run
from trainer.errors import MissingStep
from trainer.publish import publish, publish_run
from trainer.refusals import RolledBack, StepRefused, TritonAway
from trainer.reload import default_url
from trainer.repository import card_of, card_to_serve, config, cpu_engine_of, differences, served_card, versions
from trainer.serve import serve_version


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return empty_repository(tmp_path / "model_repository")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_run(tmp_path / "runs" / "toy")
    return tmp_path / "runs" / "toy"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Nobody(ModelClient):
    """A server that never loads anything."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1:1", "pneumonia_classifier")
        self.loads = 0

    def live(self) -> bool:
        return True

    def load(self, config: object = None) -> None:
        self.loads += 1
        raise ModelUnavailable("unavailable")


def test_a_version_folder_can_be_served_alone(run: Path, folder: Path) -> None:
    card = publish_run(run, folder, 1, replace=True)
    assert card == card_of(folder, 1) == served_card(folder)
    assert {path.name for path in (folder / "1").iterdir()} == {
        "model.onnx",
        "model.py",
        "manifest.json",
        "gate.json",
        "phantoms.npz",
    }
    assert differences(folder, card, cpu_engine_of(folder, 1)) == ""


def test_publish_says_which_engine_will_serve(
    run: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("trainer.publish.RUNS_DIR", run.parent)
    publish(run.name, "127.0.0.1:1", repository=folder.parent, replace=True, version=1, reload=False)
    assert "served on CPUs by openvino-fp32; not loaded into a server" in " ".join(capsys.readouterr().out.split())


def test_the_next_version_lies_beside_the_old_one_and_is_served(run: Path, folder: Path) -> None:
    publish_run(run, folder, 1, replace=True)
    old = contents(folder / "1")
    card = publish_run(run, folder, 2)
    assert card.version == 2
    assert versions(folder) == [1, 2]
    assert contents(folder / "1") == old
    assert served_card(folder) == card
    assert (folder / "2" / "model.py").read_text() == (folder / "1" / "model.py").read_text()


def test_an_existing_version_is_replaced_only_when_asked(run: Path, folder: Path, tmp_path: Path) -> None:
    publish_run(run, folder, 1, replace=True)
    write_run(tmp_path / "runs" / "other", bias=1.0)
    before = contents(folder)
    with pytest.raises(StepRefused, match="exists"):
        publish_run(tmp_path / "runs" / "other", folder, 1)
    assert contents(folder) == before
    card = publish_run(tmp_path / "runs" / "other", folder, 1, replace=True)
    assert card_of(folder, 1) == card
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("missing", ["manifest.json", "model.onnx", "golden.npz", "gate-openvino-fp32.json"])
def test_nothing_is_published_without_its_proofs(run: Path, folder: Path, missing: str) -> None:
    (run / missing).unlink()
    before = contents(folder)
    with pytest.raises(MissingStep):
        publish_run(run, folder, 1, replace=True)
    assert contents(folder) == before


def test_nothing_is_published_that_the_gate_refused(tmp_path: Path, folder: Path) -> None:
    write_run(tmp_path / "bad", reasons=("decisions_flipped is 0.2",))
    with pytest.raises(MissingStep, match="decisions_flipped"):
        publish_run(tmp_path / "bad", folder, 1, replace=True)


def test_a_proof_opens_for_its_own_file_only(run: Path, folder: Path, tmp_path: Path) -> None:
    write_run(tmp_path / "other", bias=1.0)
    proof = json.loads((tmp_path / "other" / "gate-openvino-fp32.json").read_text())
    (run / "gate-openvino-fp32.json").write_text(json.dumps(proof))
    with pytest.raises(MissingStep, match="another export"):
        publish_run(run, folder, 1, replace=True)
    (run / "model.onnx").write_bytes((tmp_path / "other" / "model.onnx").read_bytes())
    with pytest.raises(MissingStep, match="not the file of its manifest"):
        publish_run(run, folder, 1, replace=True)


def test_a_proof_on_another_network_is_no_proof(run: Path, folder: Path) -> None:
    path = run / "gate-openvino-fp32.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "weights_sha256": "2" * 64}))
    with pytest.raises(MissingStep, match="another export"):
        publish_run(run, folder, 1, replace=True)
    (run / "card.json").write_text(json.dumps(card_fields(weights_sha256="2" * 64)))
    with pytest.raises(StepRefused, match="run export again"):
        publish_run(run, folder, 1, replace=True)


def test_a_model_without_test_figures_is_published_with_a_word(
    run: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("trainer.publish.RUNS_DIR", run.parent)
    publish("toy", repository=folder.parent, version=1, replace=True, reload=False, triton_url="127.0.0.1:1")
    assert "published without test figures: run evaluate --final" in " ".join(capsys.readouterr().out.split())
    fields = json.loads((run / "manifest.json").read_text())
    (run / "manifest.json").write_text(json.dumps({**fields, "metrics": {"test": fields["metrics"]["validation"]}}))
    publish("toy", repository=folder.parent, version=2, replace=False, reload=False, triton_url="127.0.0.1:1")
    assert "without test figures" not in capsys.readouterr().out


def test_the_fastest_admitted_engine_serves(run: Path, folder: Path) -> None:
    proof = json.loads((run / "gate-openvino-fp32.json").read_text())
    (run / "gate-openvino-bf16.json").write_text(json.dumps({**proof, "engine": "openvino-bf16"}))
    publish_run(run, folder, 1, replace=True)
    assert cpu_engine_of(folder, 1) == "openvino-bf16"
    refused = {**proof, "engine": "openvino-bf16", "reasons": ["too far"]}
    (run / "gate-openvino-bf16.json").write_text(json.dumps(refused))
    publish_run(run, folder, 2)
    assert cpu_engine_of(folder, 2) == "openvino-fp32"


def test_everything_is_as_it_was_when_the_server_does_not_take_it(run: Path, folder: Path) -> None:
    publish_run(run, folder, 1, replace=True)
    before = contents(folder)
    server = Nobody()
    with pytest.raises(RolledBack) as caught:
        publish_run(run, folder, 2, client=server)
    assert contents(folder) == before
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    assert server.loads == 2  # the new one, then the old one again
    assert any("former version" in note for note in caught.value.__notes__)


def test_nothing_is_changed_when_no_server_is_there(run: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_run(run, folder, 1, replace=True)
    publish_run(run, folder, 2)
    before = contents(folder)
    monkeypatch.setenv("CXR_TRITON_PORT", "1")
    away = ModelClient(default_url(), "pneumonia_classifier")
    for change in (partial(publish_run, run, folder, 3), partial(serve_version, folder, 1)):
        with pytest.raises(TritonAway, match=r"nothing was changed.*127\.0\.0\.1:1"):
            change(client=away)
    assert contents(folder) == before


def test_an_earlier_version_is_served_again_without_its_run(run: Path, folder: Path) -> None:
    publish_run(run, folder, 1, replace=True)
    publish_run(run, folder, 2)
    shutil.rmtree(run)
    assert serve_version(folder, 1) == card_of(folder, 1) == served_card(folder)
    before = contents(folder)
    with pytest.raises(StepRefused, match="no version 7; there: 1, 2"):
        serve_version(folder, 7)
    with pytest.raises(RolledBack):
        serve_version(folder, 2, Nobody())
    (folder / "2" / "model.onnx").write_bytes(b"another")
    with pytest.raises(StepRefused, match="not the file of its manifest"):
        serve_version(folder, 2)
    before["2/model.onnx"] = b"another"
    assert contents(folder) == before


def test_where_the_served_version_is_gone_the_newest_is_configured(run: Path, folder: Path) -> None:
    publish_run(run, folder, 1, replace=True)
    publish_run(run, folder, 2)
    shutil.rmtree(folder / "2")
    with pytest.raises(MissingStep, match="serve --version 1"):
        card_to_serve(folder)
    config(folder.parent)
    assert served_card(folder) == card_of(folder, 1)


def test_a_first_publish_that_fails_leaves_no_config(run: Path, folder: Path) -> None:
    before = contents(folder)
    with pytest.raises(RolledBack):
        publish_run(run, folder, 2, client=Nobody())
    assert contents(folder) == before


def test_a_served_version_is_never_replaced_in_place(run: Path, folder: Path) -> None:
    publish_run(run, folder, 1, replace=True)
    with pytest.raises(StepRefused, match="in place"):
        publish_run(run, folder, 1, replace=True, client=Nobody())


def test_a_replacement_that_fails_halfway_is_undone(
    run: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_run(run, folder, 1, replace=True)
    before = contents(folder)
    write_run(tmp_path / "other", bias=1.0)
    monkeypatch.setattr("trainer.publish.write_configs", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publish_run(tmp_path / "other", folder, 1, replace=True)
    assert contents(folder) == before


def test_a_publish_that_was_killed_between_two_renames_is_repaired(run: Path, folder: Path) -> None:
    publish_run(run, folder, 1, replace=True)
    whole = contents(folder / "1")
    (folder / "1").rename(folder / ".replaced-1")
    (folder / ".publishing-1").mkdir()
    publish_run(run, folder, 1, replace=True)
    assert contents(folder / "1") == whole
    assert versions(folder) == [1]
