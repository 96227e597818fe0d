"""The served graph explains exactly what it answers and can be rebuilt from its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the trainer's environment is not installed")
pytest.importorskip("efficientnet_lite_pytorch", reason="the trainer's environment is not installed")

import torch

from trainer.architectures import REGISTRY, trunk
from trainer.calibrate import attribution, described, way_to_average
from trainer.chest_films import adults, features_of, fit_refusal, taps_of
from trainer.data.about import About
from trainer.data.film import Film
from trainer.errors import MissingStep, TooFewFilms, UnknownName
from trainer.film_input import FilmInput, triangle_filter
from trainer.kermany_set import FilmSet
from trainer.lungs import average_lungs
from trainer.model import Classifier, ServedModel, load_served, save_served, sha256_of_weights
from trainer.networks import network_named
from trainer.ood import COMPONENTS, fit_ood
from trainer.ood_forms import forms
from trainer.refusals import StepRefused
from trainer.runs import Run
from trainer.soup import average_weights


@pytest.fixture(scope="module")
def films() -> torch.Tensor:
    return torch.randint(0, 256, (5, 1, 224, 224), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def model(films: torch.Tensor) -> ServedModel:
    torch.manual_seed(0)
    networks = [Classifier("efficientnet_lite0_fine", 64).eval() for _ in range(2)]
    ood = fit_ood(features_of(networks[0], films.float()), taps_of(networks[0]), components=2)
    return ServedModel(networks, ood, slope=1.7, intercept=-0.4).eval()


def test_the_heatmap_adds_up_to_the_calibrated_log_odds(model: ServedModel, films: torch.Tensor) -> None:
    with torch.no_grad():
        probability, heatmap, score = model(films)
        mean = torch.stack([network.logits(films) for network in model.networks]).mean(0)
    assert probability.shape == (5, 1)
    assert score.shape == (5, 1)
    assert heatmap.shape == (5, *model.heatmap_size())
    assert {tensor.dtype for tensor in (probability, heatmap, score)} == {torch.float32}
    torch.testing.assert_close(torch.sigmoid(heatmap.sum((1, 2))), probability[:, 0])
    torch.testing.assert_close(heatmap.sum((1, 2)), mean * 1.7 - 0.4, atol=1e-4, rtol=1e-4)


def test_an_answer_does_not_depend_on_its_batch(model: ServedModel, films: torch.Tensor) -> None:
    with torch.no_grad():
        for alone, together in zip(model(films[2:3]), model(films), strict=True):
            torch.testing.assert_close(alone, together[2:3], atol=1e-4, rtol=1e-4)


def test_a_saved_model_comes_back_the_same(model: ServedModel, films: torch.Tensor, tmp_path: Path) -> None:
    save_served(model, tmp_path / "served.pt")
    again = load_served(tmp_path / "served.pt")
    with torch.no_grad():
        for before, after in zip(model(films), again(films), strict=True):
            torch.testing.assert_close(before, after)
    assert sha256_of_weights(again) == sha256_of_weights(model)


def test_networks_of_two_kinds_answer_together(films: torch.Tensor, tmp_path: Path) -> None:
    torch.manual_seed(0)
    kinds = [Classifier(name, 112).eval() for name in ("efficientnet_lite0_fine", "resnet18_small")]
    ood = fit_ood(features_of(kinds[0], films.float()), taps_of(kinds[0]), components=2)
    both = ServedModel(kinds, ood)
    save_served(both, tmp_path / "served.pt")
    with torch.no_grad():
        heatmap = load_served(tmp_path / "served.pt")(films)[1]
        mean = torch.stack([network.logits(films) for network in kinds]).mean(0)
    torch.testing.assert_close(heatmap.sum((1, 2)), mean, atol=1e-4, rtol=1e-4)
    assert described(both, 2) == "efficientnet_lite0_fine at 112 px and resnet18_small at 112 px, mean log-odds"
    credits = attribution(both, About(source="our hospital"), with_adults=False)
    assert "starting weights of efficientnet_lite0_fine: ImageNet" in credits
    assert "our hospital (licence: not stated)" in credits
    assert "NIH" not in credits


def test_a_network_that_was_not_trained_is_named_with_its_step() -> None:
    with pytest.raises(MissingStep, match="trainer train --run nowhere"):
        network_named("nowhere/seed0")


def test_the_first_layers_take_brightness_and_contrast_away() -> None:
    film = torch.rand(1, 1, 224, 224, generator=torch.Generator().manual_seed(1)) * 100 + 50
    shrink = FilmInput(112)
    torch.testing.assert_close(shrink(film), shrink(film + 60), atol=1e-5, rtol=1e-4)
    assert (shrink(film) - shrink(film * 1.4)).abs().max() < 0.15
    torch.testing.assert_close(triangle_filter(112).sum(1), torch.ones(112))
    assert np.isfinite(shrink(torch.zeros(1, 1, 224, 224)).numpy()).all()


def test_an_unknown_architecture_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="resnet18"):
        trunk("resnet19", pretrained=False)


@pytest.mark.parametrize(
    ("name", "map_size"), [("efficientnet_lite0", (3, 3)), ("resnet18", (3, 3)), ("resnet18_small", (6, 6))]
)
def test_registered_networks_give_a_map_and_what_tells_other_images(name: str, map_size: tuple[int, int]) -> None:
    network, taps = Classifier(name, 96).eval(), REGISTRY[name].taps
    with torch.no_grad():
        heatmap, features = network.with_taps(torch.zeros(2, 1, 224, 224), taps)
    assert heatmap.shape == (2, *map_size)
    assert features.shape[1] > COMPONENTS
    assert {taps} <= {form for form, _ in forms(REGISTRY[name].half_way)}


def test_forms_of_the_score_are_stages_alone_and_three_in_a_row() -> None:
    taps = dict.fromkeys(form for form, _ in forms((1, 2, 3, 4)))
    assert list(taps) == [(1,), (2,), (3,), (4,), (1, 2, 3), (2, 3, 4)]


def test_the_score_tells_what_it_was_fitted_on_from_the_rest() -> None:
    random = torch.Generator().manual_seed(0)
    usual = torch.randn(400, 6, generator=random) @ torch.randn(6, 40, generator=random) + 0.1 * torch.randn(
        400, 40, generator=random
    )
    strange = 3 * torch.randn(50, 40, generator=random)
    score = fit_ood(usual[:300], (0,), components=6)
    assert score(usual[300:]).max() < score(strange).min()


def test_refusal_is_fitted_without_adults_where_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXR_DATA", str(tmp_path))
    assert adults() is None
    films = np.random.default_rng(0).integers(0, 256, (70, 1, 224, 224), np.uint8)
    children = FilmSet([Film(tmp_path, 0, str(n), "ours") for n in range(70)], films)
    network = Classifier("efficientnet_lite0_fine", 64).eval()
    assert fit_refusal(network, children, None).taps == taps_of(network)
    with pytest.raises(TooFewFilms, match="more than 64"):
        fit_refusal(network, FilmSet(children.films[:64], films[:64]), None)


def test_the_mean_of_weights_of_equal_networks_is_the_network(model: ServedModel, films: torch.Tensor) -> None:
    first, second = model.networks
    with torch.no_grad():
        torch.testing.assert_close(average_weights([first, first])(films), first(films))
        assert not torch.equal(average_weights([first, second])(films), first(films))


def test_lungs_are_the_two_dark_fields_of_the_chest() -> None:
    film = np.full((3, 1, 224, 224), 160, np.uint8)
    film[:, :, 60:150, 50:90] = 60
    film[:, :, 60:150, 130:170] = 60
    film[:, :, :, :20] = 0
    lungs = average_lungs(film)
    assert lungs[100, 70]
    assert lungs[100, 150]
    assert not lungs[100, 110]
    assert not lungs[100, 5]


def test_several_networks_need_to_be_told_how_to_answer_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.runs.RUNS_DIR", tmp_path)
    assert way_to_average("", Run("mine"), ["seed0"]) == "weights"
    assert way_to_average("logits", Run("mine"), ["seed0", "seed1"]) == "logits"
    with pytest.raises(StepRefused, match="say --seeds and one of them, or --average"):
        way_to_average("", Run("mine"), ["seed0", "seed1"])
    with pytest.raises(UnknownName, match="average foo; there are weights, logits"):
        way_to_average("foo", Run("mine"), ["seed0"])
