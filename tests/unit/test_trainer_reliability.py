"""The two tables of the card, and a card that says what its graph does not do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cxr.schemas import Estimate
from tests.model_runs import write_run
from trainer.data.film import Film
from trainer.devices import device, mixed_precision, number_type
from trainer.kermany_set import FilmSet
from trainer.refusals import CardDiffers
from trainer.reliability import BINS, histogram, reliability_bins
from trainer.remeasure import compare

LABELS = np.array([0, 0, 1, 1], np.int64)
PROBABILITIES = np.array([0.04, 0.95, 0.95, 1.0])
COPIES = 20  # so that every resample has films of both classes, answered ones among them


def test_bins_count_films_and_say_how_many_had_pneumonia() -> None:
    bins = reliability_bins(LABELS, PROBABILITIES)
    assert len(bins) == BINS
    assert (bins[0].count, bins[0].observed) == (1, 0.0)
    assert (bins[-1].count, bins[-1].observed) == (3, pytest.approx(2 / 3))
    assert (bins[4].count, bins[4].observed) == (0, None)


def test_histogram_counts_every_film_once() -> None:
    assert histogram(PROBABILITIES) == (1, *[0] * 8, 3)


def test_a_figure_that_the_graph_does_not_have_is_named(tmp_path: Path) -> None:
    films = FilmSet(
        [Film(Path(f"{n}.jpeg"), int(label), f"p{n}", "toy") for n, label in enumerate(np.tile(LABELS, COPIES))],
        np.array([]),
    )
    card = write_run(tmp_path / "run")
    true = {"auc": Estimate(value=0.875, low=0, high=1)}
    compare(card.model_copy(update={"metrics": {"test": true}}), "test", films, np.tile(PROBABILITIES, COPIES))
    boast = {"auc": Estimate(value=0.99, low=0.9, high=1)}
    with pytest.raises(CardDiffers, match=r"auc 0\.9900, is 0\.8750"):
        compare(card.model_copy(update={"metrics": {"test": boast}}), "test", films, np.tile(PROBABILITIES, COPIES))


def test_layers_compute_in_the_type_the_device_has() -> None:
    import torch

    where = device()
    with mixed_precision(where):
        product = torch.ones(4, 4, device=where) @ torch.ones(4, 4, device=where)
    assert product.dtype == number_type(where)
