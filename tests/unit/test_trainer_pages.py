"""Pages are made from proofs, and say so where a proof is missing."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the trainer's environment is not installed")
pytest.importorskip("efficientnet_lite_pytorch", reason="the trainer's environment is not installed")

from tests.model_runs import write_run
from trainer.pages import experiments
from trainer.pages.engines import engines_section
from trainer.pages.experiments import between_marks
from trainer.pages.markdown import interval, table
from trainer.pages.measured import audit_section, corruption_section
from trainer.pages.model_card import test_set as described_test_set
from trainer.pages.proofs import Proofs
from trainer.pages.results import published
from trainer.refusals import StepRefused
from trainer.report import report
from trainer.runs import Run

ROOT = Path(__file__).parents[2]


def test_tables_and_intervals() -> None:
    assert table(["a", "b"], [["x", 0.12345], ["y", None]]) == "| a | b |\n|---|---|\n| x | 0.123 |\n| y | - |"
    assert interval({"value": 0.5, "low": 0.4, "high": 0.61}) == "0.500 (0.400 to 0.610)"


@pytest.mark.parametrize("page", ["results.md", "model_card.md", "privacy_and_fairness.md"])
def test_the_pages_of_the_served_model_are_what_their_command_writes(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / "runs").symlink_to(ROOT / "runs")
    written = (ROOT / "docs" / page).read_text()
    [command] = re.findall(r"^Written by `python -m trainer report (.*?)`", written, re.MULTILINE)
    words = command.split()
    options = dict(zip(words[::2], words[1::2], strict=True))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs" / page).unlink()
    report(options["--run"], options["--also"], Path(options["--out"]))
    assert (tmp_path / "docs" / page).read_text() == written


def test_only_what_lies_between_the_marks_is_renewed() -> None:
    page = "by hand\n<!-- runs -->\nold\n<!-- /runs -->\nby hand"
    assert between_marks(page, "runs", "new") == "by hand\n<!-- runs -->\nnew\n<!-- /runs -->\nby hand"


def test_networks_whose_runs_lie_elsewhere_stay_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiments, "RUNS_DIR", tmp_path)
    epoch = {"epoch": 0, "score": 1.0, "as_is": 0.9, "everything": 0.8, "swapped": 0.7, "reframed": 0.6}
    recipe = {"architecture": "vgg", "size_px": 96, "rate": 0.1}
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "seed0.json").write_text(json.dumps({"recipe": recipe, "history": [epoch]}))
    old = table(experiments.HEADS, [["old/seed0", "vgg 64 px", 7, 0.0004, 0.99, 0.98, 0.97, None, 6]], digits=4)
    page = experiments.runs_table(f"<!-- runs -->\n{old}\n<!-- /runs -->")
    assert page.splitlines()[2:] == [
        old.splitlines()[2],
        "| new/seed0 | vgg 96 px | 1 | 0.1000 | 0.9000 | 0.8000 | 0.7000 | 0.6000 | 0 |",
    ]


def test_a_missing_proof_is_named_with_its_command() -> None:
    proofs = Proofs(Run("unit-test-without-proofs"))
    assert "python -m trainer corrupt --run unit-test-without-proofs" in corruption_section(proofs)
    assert "Not run" in audit_section(proofs)


def test_a_proof_of_another_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.pages.proofs.RUNS_DIR", tmp_path)
    monkeypatch.setattr("trainer.runs.RUNS_DIR", tmp_path)
    run = Run("mine")
    proofs = Proofs(run)
    run.write_json("card.json", {"weights_sha256": "9c08ec"})
    run.write_json("audit.json", {"of": "before"})
    run.write_proof("external.json", "9c08ec", {"all": {"films": 3}})
    assert proofs.read("audit.json") == {"of": "before"}
    assert proofs.read("external.json") == {"all": {"films": 3}}
    run.write_proof("external.json", "faf896", {"all": {"films": 3}})
    with pytest.raises(StepRefused, match=r"external\.json is of weights faf896\.\.\., .*card\.json of 9c08ec"):
        proofs.read("external.json")


def test_rows_of_other_networks_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.pages.proofs.RUNS_DIR", tmp_path)
    monkeypatch.setattr("trainer.runs.RUNS_DIR", tmp_path)
    run = Run("mine")
    run.write_json("seed0.json", {"weights_sha256": "9c08ec"})
    before = [{"name": "seed0", "auc": 0.9}]
    run.write_json("seeds_test.json", before)
    assert Proofs(run).read("seeds_test.json") == before
    row = {"name": "other/seed1+mine/seed0", "weights_sha256": "aaaaaa+9c08ec"}
    run.write_json("seeds_test.json", [row, {"name": "mean of log-odds"}])
    assert Proofs(run).read("seeds_test.json")[0] == row
    run.write_json("seeds_test.json", [{"name": "seed0", "weights_sha256": "faf896"}])
    with pytest.raises(StepRefused, match=r"seeds_test\.json is of weights faf896\.\.\., .*seed0\.json of 9c08ec"):
        Proofs(run).read("seeds_test.json")


def test_the_page_says_on_which_films_an_engine_was_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.pages.engines.RUNS_DIR", tmp_path)
    card = write_run(tmp_path / "mine")
    before = engines_section(Proofs(Run("mine")), card.model_dump())
    assert "| openvino-fp32 | test | 8 | 0 | 0 | 0.0000 | admitted |" in before
    assert "python -m trainer gate --run mine --final --why '...'\n" in before
    path = tmp_path / "mine" / "gate-openvino-fp32.json"
    proof = {**json.loads(path.read_text()), "sets": ["validation"], "weights_sha256": card.weights_sha256}
    path.write_text(json.dumps(proof))
    on_validation = engines_section(Proofs(Run("mine")), card.model_dump())
    assert "| openvino-fp32 | validation | 8 |" in on_validation
    assert "python -m trainer gate --run mine\n" in on_validation
    path.write_text(json.dumps({**proof, "weights_sha256": "2" * 64}))
    with pytest.raises(StepRefused, match="run export and gate again"):
        engines_section(Proofs(Run("mine")), card.model_dump())


def test_commands_name_the_networks_of_several_runs() -> None:
    commands = re.findall(r"python -m trainer (?:calibrate|evaluate) .*", (ROOT / "docs" / "results.md").read_text())
    calibrated, evaluated, compared = commands
    assert calibrated == "python -m trainer calibrate --run steady --networks octet/seed4,framed_small/seed4"
    assert evaluated == compared
    assert "--candidates octet/seed0+framed_small/seed0," in evaluated


def test_one_seed_has_no_deviation_and_other_films_are_not_the_official_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.pages.proofs.RUNS_DIR", tmp_path)
    (tmp_path / "mine").mkdir()
    proofs, row = Proofs(Run("mine")), {"auc": 0.9, "accuracy": 0.8}
    for rows, shown in (([{"name": "seed0", **row}], False), ([{"name": f"seed{n}", **row} for n in (0, 1)], True)):
        (tmp_path / "mine" / "seeds_test.json").write_text(json.dumps(rows))
        assert ("seeds**" in published(proofs, {"metrics": {}})) == shown
    for normal, said in ((234, "the official 624 films, of other patients"), (233, "623 films")):
        (tmp_path / "mine" / "data.json").write_text(
            json.dumps({"test": {"normal_films": normal, "pneumonia_films": 390}})
        )
        assert described_test_set(proofs) == said
