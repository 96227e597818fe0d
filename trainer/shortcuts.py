"""Numbers of a film that hold no anatomy: what a lazy model could go by."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from trainer.metrics import Floats, Labels, auc

Films = NDArray[np.uint8]


def sharpness(films: Films) -> Floats:
    """[N,8]: deviation of the Laplacian, and log power in seven rings of spatial frequency."""
    rows, columns = np.fft.fftfreq(224), np.fft.rfftfreq(224)
    radius = np.hypot(rows[:, None], columns)
    edges = np.geomspace(0.01, 0.5, 8)
    result = np.empty((len(films), 8))
    for index, film in enumerate(films[:, 0].astype(np.float32)):
        laplacian = 4 * film[1:-1, 1:-1] - film[:-2, 1:-1] - film[2:, 1:-1] - film[1:-1, :-2] - film[1:-1, 2:]
        power = np.abs(np.fft.rfft2(film)) ** 2
        rings = [power[(radius >= low) & (radius < high)].mean() for low, high in itertools.pairwise(edges)]
        result[index] = [laplacian.std(), *np.log(np.array(rings) + 1)]
    return result


def grey_levels(films: Films) -> Floats:
    """[N,8]: seven percentiles and the deviation."""
    flat = films.reshape(len(films), -1)
    return np.column_stack([np.percentile(flat, [1, 5, 25, 50, 75, 95, 99], axis=1).T, flat.std(1)])


def borders(films: Films) -> Floats:
    """[N,4]: mean of the outermost 5 % at each edge."""
    edge = 11
    parts = films[:, 0, :edge], films[:, 0, -edge:], films[:, 0, :, :edge], films[:, 0, :, -edge:]
    return np.column_stack([part.mean((1, 2)) for part in parts])


def thumbnail(films: Films) -> Floats:
    """[N,64]: the film at 8x8 pixels."""
    return films.reshape(len(films), 8, 28, 8, 28).mean((2, 4)).reshape(len(films), 64)


FEATURES = {"sharpness": sharpness, "grey levels": grey_levels, "borders": borders, "thumbnail 8x8": thumbnail}
CONTRARY_SHARE = 1 / 3


def grown_trees() -> HistGradientBoostingClassifier:
    """Trees that are yet to learn."""
    return HistGradientBoostingClassifier(max_iter=150, learning_rate=0.08, random_state=0)


def contrary(train: tuple[Films, Labels], films: Films, labels: Labels) -> NDArray[np.bool_]:
    """[N]: the third of each class whose recording, by all numbers together, is most like the other class's.

    A shift that nobody made: on these films a model that goes by the recording is wrong.
    """
    trees = grown_trees().fit(np.hstack([numbers(train[0]) for numbers in FEATURES.values()]), train[1])
    ill = trees.predict_proba(np.hstack([numbers(films) for numbers in FEATURES.values()]))[:, 1]
    chosen = np.zeros(len(films), np.bool_)
    for label, unlike in ((0, -ill), (1, ill)):
        rows = np.flatnonzero(labels == label)
        chosen[rows[np.argsort(unlike[rows])][: round(CONTRARY_SHARE * len(rows))]] = True
    return chosen


def shortcut_aucs(train: tuple[Films, Labels], sets: dict[str, tuple[Films, Labels]]) -> dict[str, dict[str, float]]:
    """AUC of gradient-boosted trees on each group of numbers and on all: what each set gives away without anatomy."""
    names = list(FEATURES)
    learnt = {name: FEATURES[name](train[0]) for name in names}
    seen = {key: {name: FEATURES[name](films) for name in names} for key, (films, _) in sets.items()}
    result = {}
    for group, parts in {**{name: [name] for name in names}, "all of them": names}.items():
        trees = grown_trees().fit(np.hstack([learnt[part] for part in parts]), train[1])
        result[group] = {
            key: auc(labels, trees.predict_proba(np.hstack([seen[key][part] for part in parts]))[:, 1])
            for key, (_, labels) in sets.items()
        }
    return result
