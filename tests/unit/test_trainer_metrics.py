"""The figures agree with independent definitions, and the choices made on them do what they promise."""

from __future__ import annotations

import pytest

pytest.importorskip("sklearn", reason="the trainer's environment is not installed")

import numpy as np
from sklearn import metrics as sklearn_metrics

from trainer.calibration import choose, class_weights, fit_platt, indeterminate_band, ood_limit, steadfast_threshold
from trainer.intervals import estimates
from trainer.metrics import (
    auc,
    average_precision,
    brier,
    counted_at,
    decisions,
    expected_calibration_error,
    figures_at,
)


@pytest.fixture
def scored() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    labels = (random.random(600) < 0.7).astype(np.int64)
    return labels, 3 * labels - 1.5 + random.normal(0, 1.3, 600).round(2)


def probability(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


def test_figures_agree_with_scikit_learn(scored: tuple[np.ndarray, np.ndarray]) -> None:
    labels, logits = scored
    p = probability(logits)
    assert auc(labels, p) == pytest.approx(sklearn_metrics.roc_auc_score(labels, p))
    assert average_precision(labels, logits + np.arange(600) * 1e-9) == pytest.approx(
        sklearn_metrics.average_precision_score(labels, logits + np.arange(600) * 1e-9)
    )
    assert brier(labels, p) == pytest.approx(sklearn_metrics.brier_score_loss(labels, p))
    found = decisions(labels, p >= 0.5)
    assert found["f1"] == pytest.approx(sklearn_metrics.f1_score(labels, p >= 0.5))
    assert found["sensitivity"] == pytest.approx(sklearn_metrics.recall_score(labels, p >= 0.5))


def test_calibration_error_of_known_cases() -> None:
    labels = np.array([1, 1, 1, 0])
    assert expected_calibration_error(labels, np.full(4, 0.75)) == pytest.approx(0)
    assert expected_calibration_error(labels, np.full(4, 0.25)) == pytest.approx(0.5)
    assert expected_calibration_error(labels, np.array([1.0, 1, 1, 0])) == 0


def test_platt_undoes_a_scale_and_balances_the_classes(scored: tuple[np.ndarray, np.ndarray]) -> None:
    labels, logits = scored
    platt = fit_platt(logits * 5 + 2, labels)
    p = platt.probability(logits * 5 + 2)
    weights = class_weights(labels)
    assert np.average(p, weights=weights) == pytest.approx(0.5, abs=0.01)
    assert platt.slope > 0


def test_the_threshold_is_best_for_the_worst_shift() -> None:
    labels = np.array([0] * 100 + [1] * 100)
    plain = np.concatenate([np.linspace(0, 0.4, 100), np.linspace(0.6, 1, 100)])
    moved = np.concatenate([np.linspace(0.2, 0.7, 100), np.linspace(0.65, 1, 100)])
    threshold = steadfast_threshold({"plain": plain, "moved": moved}, labels)
    assert 0.6 < threshold < 0.72


def test_the_band_reaches_the_accuracy_it_promises(scored: tuple[np.ndarray, np.ndarray]) -> None:
    labels, logits = scored
    p = probability(logits)
    low, high = indeterminate_band(p, labels, 0.5)
    answered = (p < low) | (p >= high)
    right = (p >= 0.5) == (labels == 1)
    assert np.average(right[answered], weights=class_weights(labels)[answered]) >= 0.98
    assert answered.mean() > 0.3
    chosen = choose({"as_is": logits}, labels)
    assert chosen.point(1.0).indeterminate_low <= chosen.threshold <= chosen.point(1.0).indeterminate_high


def test_the_limit_refuses_at_most_one_percent_of_each_group() -> None:
    children, adults = np.linspace(-1, 0, 1001), np.linspace(-1, 0.5, 1001)
    limit = ood_limit(children, adults)
    assert (adults > limit).mean() <= 0.01
    assert (children > limit).mean() <= 0.01


def test_intervals_draw_patients_and_hold_the_value(scored: tuple[np.ndarray, np.ndarray]) -> None:
    labels, logits = scored
    alone = [str(n) for n in range(600)]
    together = [str(n // 10) for n in range(600)]
    figures = figures_at(0.5, 0.4, 0.6)
    narrow = estimates(labels, probability(logits), alone, figures, resamples=200)
    assert narrow["auc"].low < narrow["auc"].value < narrow["auc"].high
    assert set(estimates(labels, probability(logits), together, figures, resamples=20)) == set(narrow)


def test_no_rate_is_certain_on_a_small_set() -> None:
    """23 films, all answered rightly: the exact interval of 10 of 10, 11 of 11 and so on, not 1 to 1."""
    labels = np.array([1] * 13 + [0] * 10)
    patients = [str(n) for n in range(22)] + ["21"]  # two normals of one patient count once
    limits = (0.5, 0.4, 0.6)
    p = np.where(labels == 1, 0.9, 0.1)
    found = estimates(labels, p, patients, figures_at(*limits), resamples=20, counted=counted_at(*limits))
    trials = {"sensitivity": 13, "precision": 13, "specificity": 9, "auc": 9, "accuracy": 22, "coverage": 22}
    for name, number in trials.items():
        assert (found[name].value, found[name].high) == (1, 1)
        assert found[name].low == pytest.approx(0.025 ** (1 / number)), name
    assert found["f1"].low == pytest.approx(2 * 0.025 ** (1 / 13) / (1 + 0.025 ** (1 / 13)))
    none = estimates(labels, 1 - p, patients, figures_at(*limits), resamples=20, counted=counted_at(*limits))
    assert none["sensitivity"].low == 0
    assert none["sensitivity"].high == pytest.approx(1 - 0.025 ** (1 / 13))
