"""What is costly to make is made once, by whoever comes first, and is there whole."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from trainer.cache import made_once

WAIT_S = 10.0


def test_of_two_that_want_a_file_one_makes_it_and_the_other_waits(tmp_path: Path) -> None:
    path, makers = tmp_path / "folder/films.npy", list[str]()
    first_makes, second_wants = Event(), Event()

    def make(name: str, unfinished: Path) -> None:
        makers.append(name)
        first_makes.set()
        second_wants.wait(WAIT_S)
        assert not path.exists()
        unfinished.write_text(name)

    def want(name: str) -> str:
        made_once(path, lambda unfinished: make(name, unfinished))
        return path.read_text()

    with ThreadPoolExecutor(2) as both:
        first = both.submit(want, "first")
        assert first_makes.wait(WAIT_S)
        second = both.submit(want, "second")
        assert not first.done()
        assert not second.done()
        second_wants.set()
        assert [first.result(WAIT_S), second.result(WAIT_S)] == ["first", "first"]
    assert makers == ["first"]


def test_what_could_not_be_made_is_made_the_next_time(tmp_path: Path) -> None:
    path = tmp_path / "films.npy"

    def half(unfinished: Path) -> None:
        unfinished.write_text("ha")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        made_once(path, half)
    assert not path.exists()
    made_once(path, lambda unfinished: unfinished.write_text("whole"))
    assert path.read_text() == "whole"
