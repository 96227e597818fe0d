"""What is kept on disk is of the weights and films that it says, and is used again for no others."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer's environment is not installed")
pytest.importorskip("efficientnet_lite_pytorch", reason="the trainer's environment is not installed")

import torch
import typer
from PIL import Image

from trainer import kermany_set, openings, runs
from trainer.data.aspects import log_aspects
from trainer.data.film import Film
from trainer.data.pixels import pixels
from trainer.fit import Training
from trainer.kermany_set import FilmSet, shifted_validation, train_and_validation
from trainer.model import Classifier, ServedModel, save_served, sha256_of_weights
from trainer.networks import load_networks, refuse_other_films, shifted_logits
from trainer.ood import OodScore
from trainer.prepared import film_hashes, prepared_films
from trainer.recipe import Recipe
from trainer.refusals import StepRefused
from trainer.runs import Run
from trainer.served import served_of
from trainer.train import finish, train_one

FILMS = [Film(Path(f"{n}.png"), n % 2, f"p{n}", "made") for n in range(4)]


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "RUNS_DIR", tmp_path / "runs")
    monkeypatch.setattr(kermany_set, "CACHE_DIR", tmp_path / "pixels")
    monkeypatch.setattr(kermany_set, "pixels", partial(pixels, cache_dir=tmp_path / "pixels"))
    monkeypatch.setattr(kermany_set, "log_aspects", partial(log_aspects, cache_dir=tmp_path / "pixels"))
    monkeypatch.setattr(openings, "OPENINGS", tmp_path / "test_openings.log")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten patients of each class to learn from, two to test on."""
    monkeypatch.setenv("CXR_DATA", str(tmp_path))
    for n in range(12):
        split = "test" if n >= 10 else "train"
        a_film(tmp_path / f"kermany_224/{split}/NORMAL/IM-{n:04d}-0001.jpeg", 40 + 3 * n)
        a_film(tmp_path / f"kermany_224/{split}/PNEUMONIA/person{n}_virus_{n}.jpeg", 120 + 3 * n)
    return tmp_path / "kermany_224"


def a_film(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((224, 224), level, np.uint8)).save(path)


RECIPE = Recipe(architecture="efficientnet_lite0", size_px=32, epochs=2, batch=4, films=8, pretrained=False)


@pytest.fixture
def validation() -> FilmSet:
    return FilmSet(FILMS, np.random.default_rng(0).integers(0, 256, (4, 1, 224, 224), np.uint8))


def others(films: FilmSet) -> FilmSet:
    return replace(films, pixels=255 - films.pixels)


def test_log_odds_are_kept_for_these_weights_and_films_alone(validation: FilmSet) -> None:
    torch.manual_seed(0)
    first, retrained = Classifier("efficientnet_lite0", 32), Classifier("efficientnet_lite0", 32)

    def answers(network: Classifier, films: FilmSet) -> list[float]:
        return shifted_logits(Run("mine"), "seed0", network, films)["as_is"].tolist()

    once = answers(first, validation)
    kept = Run("mine").path("shifted/seed0.npz")
    written = kept.stat().st_mtime_ns
    assert answers(first, validation) == once
    assert kept.stat().st_mtime_ns == written
    assert answers(retrained, validation) != once
    assert answers(first, others(validation)) != once
    assert answers(first, validation) == once


def test_shifted_films_are_those_of_the_films_asked_for(validation: FilmSet) -> None:
    np.testing.assert_array_equal(shifted_validation(validation, "as_is"), validation.pixels)
    np.testing.assert_array_equal(shifted_validation(others(validation), "as_is"), 255 - validation.pixels)
    assert validation.sha256 != replace(validation, films=FILMS[::-1]).sha256


def test_other_films_than_prepare_recorded_are_refused(data: Path) -> None:
    run = Run("mine")
    recorded = film_hashes(*train_and_validation())
    run.write_json("data.json", {"training_data_sha256": recorded["training_data_sha256"]})  # as before
    train, _ = prepared_films(run)
    run.write_json("data.json", recorded)
    prepared_films(run)
    train.films[0].path.unlink()
    with pytest.raises(StepRefused, match=r"data\.json records: run prepare again under another --run"):
        prepared_films(run)
    prepared_films(Run("another"))


def test_a_network_says_what_it_learned_from(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Run("mine")
    train, validation = train_and_validation()
    network = train_one(run, RECIPE, train, validation)
    said = " ".join(capsys.readouterr().out.split())
    assert "epoch 1 of 2: AUC as is" in said
    assert "seed0.pt; next: python -m trainer calibrate --run mine" in said
    stated = run.read_json("seed0.json", "train")
    assert stated["weights_sha256"] == sha256_of_weights(network) == sha256_of_weights(load_networks(run)["seed0"])
    assert stated["training_data_sha256"] == film_hashes(train, validation)["training_data_sha256"]
    refuse_other_films(["mine/seed0"], train)
    with pytest.raises(StepRefused, match=r"seed0\.pt learned from training films"):
        refuse_other_films(["mine/seed0"], validation)


def test_a_stopped_training_says_where_it_goes_on(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, (train, validation) = Run("mine"), train_and_validation()
    one_step = Training._one_step

    def until_the_second_epoch(training: Training, rows: np.ndarray) -> float:
        if training.epoch == 1:
            raise KeyboardInterrupt
        return one_step(training, rows)

    with monkeypatch.context() as patch:
        patch.setattr(Training, "_one_step", until_the_second_epoch)
        with pytest.raises(typer.Exit) as stopped:
            train_one(run, RECIPE, train, validation)
    assert stopped.value.exit_code == 130
    assert "Stopped after epoch 1; the same command goes on from there" in capsys.readouterr().out
    assert not run.path("seed0.pt").exists()
    finish(run, "seed0", Training(RECIPE, train, run.path("seed0.checkpoint")), validation)
    assert "mine/seed0: going on after epoch 1 of 2" in capsys.readouterr().out


def test_a_card_of_another_network_is_refused() -> None:
    run = Run("mine")
    ood = OodScore(1, (1,), 1)
    model = ServedModel([Classifier("efficientnet_lite0", 32)], ood)
    save_served(model, run.path("served.pt"))
    run.write_json("card.json", {"weights_sha256": sha256_of_weights(model)})
    assert served_of(run).weights_sha256 == sha256_of_weights(model)
    run.write_json("card.json", {"weights_sha256": "0" * 64})
    with pytest.raises(StepRefused, match=r"is of weights 000000\.\.\., served\.pt is .*: run calibrate again"):
        served_of(run)


def test_test_films_that_were_learned_from_are_refused(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learned = train_and_validation()
    log = openings.OPENINGS
    assert len(kermany_set.test_films("mine", "once", learned).films) == 4
    kermany_set.test_films("another", "for\nanother", learned)
    kermany_set.test_films("mine", "twice", learned)
    assert "This is opening 2 of the test films for run mine" in " ".join(capsys.readouterr().out.split())
    assert [line[20:] for line in log.read_text().splitlines()] == ["mine: once", "another: for another", "mine: twice"]
    a_film(data / "test/PNEUMONIA/person3_virus_99.jpeg", 9)
    with pytest.raises(StepRefused, match="1 test films are of patients of the training films"):
        kermany_set.test_films("mine", "again", learned)
    (data / "test/PNEUMONIA/person77_virus_1.jpeg").write_bytes(
        (data / "train/PNEUMONIA/person4_virus_4.jpeg").read_bytes()
    )
    with pytest.raises(StepRefused, match="1 test films are also training films"):
        kermany_set.test_films("mine", "again", learned)
    assert len(log.read_text().splitlines()) == 3
