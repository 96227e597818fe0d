"""A few dozen films of another hospital, and no other set beside them: every step says what it does without."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer's environment is not installed")
pytest.importorskip("efficientnet_lite_pytorch", reason="the trainer's environment is not installed")

from PIL import Image

from trainer.calibrate import calibrate
from trainer.corruptions import CORRUPTIONS, corrupt
from trainer.errors import MissingFolder, MissingStep, TooFewFilms
from trainer.evaluate import evaluate
from trainer.external import external
from trainer.prepare import prepare
from trainer.refusal import refuse
from trainer.report import report
from trainer.train import train


def a_film(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(level).integers(0, 40, (64, 64))
    Image.fromarray((noise + level).astype(np.uint8)).save(path)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and beside it 84 training and 4 test films in which pneumonias are the brighter."""
    films = tmp_path / "data" / "kermany_224"
    rows = ["file,patient,label,split"]
    for number in range(88):
        name, label = f"film{number}.png", ("NORMAL", "PNEUMONIA")[number % 2]
        a_film(films / "films" / name, 60 + 80 * (number % 2) + number // 2)
        rows.append(f"films/{name},{number},{label},{'train' if number < 84 else 'test'}")
    (films / "films.csv").write_text("\n".join(rows))
    (films / "about.json").write_text(json.dumps({"source": "our hospital", "population": "adults of one town"}))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("CXR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "work"


def test_prepare_says_what_is_missing_before_anything_is_trained(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_film(work.parent / "data/kermany_224/train/left.png", 9)
    prepare("mine")
    said = capsys.readouterr().out
    assert "nih_chestxray14 is not there: refusal is fitted on your films alone, and adults will be refused" in said
    assert "1 files passed over: left.png" in said
    content = json.loads(Path("runs/mine/data.json").read_text())
    assert content["files_passed_over"] == 1
    assert (content["test"]["normal_films"], content["about"]["source"]) == (2, "our hospital")
    listing = work.parent / "data/kermany_224/films.csv"
    listing.write_text(listing.read_text().replace(",test", ",train"))
    with pytest.raises(TooFewFilms, match="test"):
        prepare("mine")


def test_every_step_does_without_other_sets(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_film(work.parent / "data/non_cxr/bone_xray/one.png", 200)
    prepare("mine")
    train("mine", epochs=1, size_px=64)
    calibrate("mine")
    assert "adults will be refused" in capsys.readouterr().out
    (network := Path("runs/mine/seed0.pt")).rename("elsewhere.pt")
    with pytest.raises(MissingStep, match="holds no seed"):
        evaluate("mine", final=True, why="to compare networks that are not there")
    assert not Path("docs").exists()  # so the test films stay closed
    Path("elsewhere.pt").rename(network)
    evaluate("mine", final=True, why="to see that it does")
    with monkeypatch.context() as fewer:
        fewer.setattr("trainer.corruptions.CORRUPTIONS", {"brightness": CORRUPTIONS["brightness"]})
        corrupt("mine")
    refuse("mine")
    said = capsys.readouterr().out
    for proof in ("corruptions.json", "refusal.json"):
        assert f"written to runs/mine/{proof}" in said
    assert "not there, so left out: COVID radiography, COVID" in said
    with pytest.raises(MissingFolder, match="neither nih_chestxray14 nor covid_radiography"):
        external("mine")
    credits = json.loads(Path("runs/mine/card.json").read_text())["attribution"]
    assert "our hospital" in credits
    assert "NIH" not in credits

    report("mine")
    pages = {path.name: path.read_text() for path in Path("runs/mine/report").glob("*.md")}
    assert "adults of one town" in pages["model_card.md"]
    assert "4 films" in pages["model_card.md"]
    assert "report --run mine`" in pages["results.md"]
    assert "No film says what caused its pneumonia." in pages["results.md"]
    assert sorted(pages) == ["model_card.md", "privacy_and_fairness.md", "results.md"]
    for page in pages.values():
        for foreign in ("624", "Guangzhou", "CC BY", "Inception"):
            assert foreign not in page
    assert (Path("runs/mine/report") / "pictures" / "curves_test.png").exists()
    assert [path.name for path in Path("docs").iterdir()] == ["test_openings.log"]
    Path("runs/mine/corruptions.json").write_text("[{}]")
    (before := Path("runs/mine/report/results.md")).write_text("as it was")
    with pytest.raises(KeyError):
        report("mine")
    assert before.read_text() == "as it was"
