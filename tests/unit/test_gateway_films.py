"""A film that is asked for twice is decoded once; what could not be decoded is not remembered."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from PIL import Image

from cxr.errors import BlobsUnavailable
from gateway.films import KEPT_FILMS, LastShown


def test_film_and_heatmap_asked_for_at_once_decode_the_film_once() -> None:
    last, begun, go_on, drawn = LastShown(), Event(), Event(), []

    def draw() -> Image.Image:
        begun.set()
        assert go_on.wait(30)
        drawn.append(1)
        return Image.new("L", (8, 8))

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(last.film, "a", draw)
        assert begun.wait(30)
        second = threads.submit(last.film, "a", draw)
        go_on.set()
        assert first.result(30) is second.result(30)
    assert drawn == [1]


def test_what_could_not_be_drawn_is_tried_again() -> None:
    last = LastShown()

    def away() -> Image.Image:
        raise BlobsUnavailable

    with pytest.raises(BlobsUnavailable):
        last.film("a", away)
    assert last.film("a", lambda: Image.new("L", (8, 8))).size == (8, 8)


def test_only_the_last_films_are_kept() -> None:
    last, drawn = LastShown(), []

    def film(name: str) -> None:
        last.film(name, lambda: drawn.append(name) or Image.new("L", (8, 8)))  # type: ignore[func-returns-value]

    for name in ("a", *map(str, range(KEPT_FILMS - 1)), "a", "one more", "0", "a"):
        film(name)
    assert [name for name in drawn if name in "a0"] == ["a", "0", "0"]
