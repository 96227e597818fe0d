"""What is kept on disk is used again for the same weights and films only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer's environment is not installed")
pytest.importorskip("efficientnet_lite_pytorch", reason="the trainer's environment is not installed")

import torch

from trainer import kermany_set, runs
from trainer.data.film import Film
from trainer.kermany_set import FilmSet, shifted_validation
from trainer.model import Classifier
from trainer.networks import shifted_logits
from trainer.runs import Run

FILMS = [Film(Path(f"{n}.png"), n % 2, f"p{n}", "made") for n in range(4)]


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "RUNS_DIR", tmp_path / "runs")
    monkeypatch.setattr(kermany_set, "CACHE_DIR", tmp_path / "pixels")


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
