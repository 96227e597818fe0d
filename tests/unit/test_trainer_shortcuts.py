"""Which films have a recording that speaks against their class."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the trainer's environment is not installed")

from trainer.shortcuts import contrary


def films_of(brightness: list[int], seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 20, (len(brightness), 1, 224, 224))
    return (np.array(brightness)[:, None, None, None] + noise).astype(np.uint8)


def test_contrary_films_are_those_recorded_like_the_other_class() -> None:
    labels = np.array([0, 1] * 30)
    train = films_of([60 if label == 0 else 160 for label in labels], 0), labels
    truth = np.array([0, 0, 0, 1, 1, 1])
    validation = films_of([60, 160, 60, 160, 160, 60], 1)  # one dark pneumonia, one bright normal

    chosen = contrary(train, validation, truth)

    assert chosen.tolist() == [False, True, False, False, False, True]
