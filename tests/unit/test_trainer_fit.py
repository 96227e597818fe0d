"""A training that was killed ends as if it had not been; epochs draw patients evenly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer's environment is not installed")
pytest.importorskip("efficientnet_lite_pytorch", reason="the trainer's environment is not installed")

import torch

from trainer.data.film import Film
from trainer.errors import UnknownName
from trainer.fit import Training
from trainer.kermany_set import FilmSet
from trainer.model import Classifier
from trainer.recipe import Recipe
from trainer.refusals import StepRefused
from trainer.sampling import epoch_rows
from trainer.schedule import warm_up_cosine

RECIPE = Recipe(architecture="efficientnet_lite0", size_px=32, epochs=2, batch=4, films=8, pretrained=False, patience=9)


@pytest.fixture
def films() -> FilmSet:
    names = [Film(Path(f"{n}.png"), int(n >= 6), f"p{min(n, 9)}", "made") for n in range(16)]
    return FilmSet(names, np.random.default_rng(0).integers(0, 256, (16, 1, 224, 224), np.uint8))


def judge(_network: Classifier) -> dict[str, float]:
    judge.calls += 1  # type: ignore[attr-defined]
    return {"score": float(judge.calls)}  # type: ignore[attr-defined]


def test_a_killed_training_goes_on_where_it_was(films: FilmSet, tmp_path: Path) -> None:
    judge.calls = 0  # type: ignore[attr-defined]
    whole = Training(RECIPE, films, tmp_path / "whole.pt").run(judge)

    class KilledError(Exception):
        pass

    def kill_in_second_epoch(_loss: float) -> None:
        steps.append(1)
        if len(steps) == 3:
            raise KilledError

    steps: list[int] = []
    judge.calls = 0  # type: ignore[attr-defined]
    with pytest.raises(KilledError):
        Training(RECIPE, films, tmp_path / "killed.pt").run(judge, kill_in_second_epoch)
    again = Training(RECIPE, films, tmp_path / "killed.pt")
    assert again.epoch == 1
    for one, other in zip(whole.state_dict().values(), again.run(judge).state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_framed_films_are_what_the_network_learns_from(
    films: FilmSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(RECIPE, epochs=1, augmentations=("framing",))
    aspects = np.where(films.labels == 0, 0.1, 0.6).astype(np.float32)
    training = Training(recipe, replace(films, log_aspects=aspects), tmp_path / "framed.pt")
    framing, seen = training.framing, []
    assert framing is not None

    def framed(batch: torch.Tensor, rows: np.ndarray, source: torch.Generator) -> torch.Tensor:
        np.testing.assert_array_equal(batch.numpy(), films.pixels[rows].astype(np.float32) / 255)
        return framing(batch, rows, source)

    def looked_at(batch: torch.Tensor, _source: torch.Generator) -> torch.Tensor:
        seen.append((batch == 0).float().mean())  # black, where a film became wider or narrower
        return batch

    monkeypatch.setattr(training, "framing", framed)
    monkeypatch.setattr(training, "augment", looked_at)
    training.run(lambda _network: {"score": 1.0})
    assert float(max(seen)) > 0.01


def test_another_training_does_not_go_on_from_a_checkpoint(films: FilmSet, tmp_path: Path) -> None:
    checkpoint, recipe = tmp_path / "seed0.checkpoint", replace(RECIPE, epochs=1)
    Training(recipe, films, checkpoint).run(lambda _network: {"score": 1.0})
    recipes: list[tuple[dict[str, Any], str]] = [
        ({"size_px": 48}, "was trained with size_px 32; say the same, choose another --run, or delete it"),
        ({"epochs": 4, "batch": 2}, "was trained with epochs 1, batch 4; say the same"),
        ({"augmentations": ("noise",)}, "was trained with augmentations geometry,recording,"),
    ]
    for changes, said in recipes:
        with pytest.raises(StepRefused, match=f"seed0.checkpoint {said}"):
            Training(replace(recipe, **changes), films, checkpoint)
    with pytest.raises(StepRefused, match="was trained with other training films"):
        Training(recipe, replace(films, pixels=255 - films.pixels), checkpoint)
    teacher = Classifier(RECIPE.architecture, RECIPE.size_px)
    with pytest.raises(StepRefused, match="was trained with other teachers and start"):
        Training(recipe, films, checkpoint, teachers=[teacher], start=teacher.state_dict())
    torch.save({name: value for name, value in torch.load(checkpoint).items() if name != "made_from"}, checkpoint)
    with pytest.raises(StepRefused, match="does not say what it was trained with; choose another --run, or delete it"):
        Training(recipe, films, checkpoint)


def test_a_way_with_imbalance_that_there_is_not_is_named() -> None:
    with pytest.raises(UnknownName, match="imbalance foo; there are balanced, weighted, none"):
        replace(RECIPE, imbalance="foo")


def test_early_stopping_keeps_the_best_epoch(films: FilmSet, tmp_path: Path) -> None:
    scores = iter([0.9, 0.5, 0.4, 0.3])
    recipe = Recipe(**{**RECIPE.__dict__, "epochs": 4, "patience": 2})
    training = Training(recipe, films, tmp_path / "stopped.pt")
    training.run(lambda _network: {"score": next(scores)})
    assert [entry["score"] for entry in training.history] == [0.9, 0.5, 0.4]


def test_a_balanced_epoch_draws_classes_and_patients_evenly(films: FilmSet) -> None:
    rows = epoch_rows(films.films, "balanced", 12, np.random.default_rng(0))
    labels = films.labels[rows]
    assert labels.sum() == 6
    ill = [films.films[row].patient for row in rows if films.films[row].label]
    assert max(ill.count(patient) for patient in set(ill)) <= 2


def test_the_rate_warms_up_and_falls_to_nothing() -> None:
    shares = [warm_up_cosine(step, 100, 10) for step in range(100)]
    assert shares[0] == pytest.approx(0.1)
    assert max(shares) == shares[9] == 1
    assert shares[-1] < 0.01


def learning(films: FilmSet, folder: Path, **changes: object) -> set[str]:
    """What learns in the second epoch: kinds of layers of the first and of the later stages."""
    recipe = replace(RECIPE, frozen_epochs=0, frozen_stages=2, epochs=1, **changes)  # type: ignore[arg-type]
    training = Training(recipe, films, folder / "learning.pt")
    training.run(lambda _network: {"score": 1.0})
    kinds = set()
    for index, stage in enumerate(training.network.trunk.stages):
        for layer in stage.modules():
            if isinstance(layer, torch.nn.Conv2d) and layer.weight.requires_grad:
                kinds.add(f"{'depthwise' if layer.groups > 1 else 'dense'}, stage {'1 or 2' if index < 2 else 'later'}")
    return kinds


def test_starting_weights_keep_their_first_stages_and_depthwise_filters(films: FilmSet, tmp_path: Path) -> None:
    assert learning(films, tmp_path / "a", pretrained=True) == {"dense, stage later"}
    assert learning(films, tmp_path / "b", pretrained=True, frozen_filters=False) == {
        "dense, stage later",
        "depthwise, stage later",
    }


def test_random_weights_learn_everywhere(films: FilmSet, tmp_path: Path) -> None:
    assert len(learning(films, tmp_path / "c", pretrained=False)) == 4


def test_discriminative_rates_and_frozen_stages(films: FilmSet, tmp_path: Path) -> None:
    training = Training(RECIPE, films, tmp_path / "rates.pt")
    assert training.full_rates == sorted(training.full_rates, reverse=True)
    assert Recipe.from_json(RECIPE.as_json()) == RECIPE
