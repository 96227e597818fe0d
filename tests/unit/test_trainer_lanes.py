"""The Python backend's lanes: what is asked for is answered once, whoever it shares a slice with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Event, Lock
from typing import Any

import numpy as np
import pytest

from trainer.backend_program import load_program
from trainer.version_folder import backend_program

pytest.importorskip("openvino", reason="the program runs on openvino")
program = load_program(backend_program(Path("model_repository/pneumonia_classifier")))

SLICE = 8


class Scored:
    """Answers each film with its first pixel, when it may; notes how many films came at a time."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.begun, self.go_on = Event(), Event()

    def __call__(self, films: Any) -> dict[str, Any]:
        self.begun.set()
        assert self.go_on.wait(30)
        self.sizes.append(len(films))
        if films.max() == 255:
            raise RuntimeError("a film that cannot be scored")
        value = films[:, 0, 0, :1].astype(np.float32)
        return {"PROBABILITY": value, "HEATMAP": value[:, :, None], "OOD_SCORE": value}


@pytest.fixture
def scored() -> Scored:
    return Scored()


@pytest.fixture
def lane(scored: Scored) -> Iterator[Any]:
    lane = program.Lane([scored], SLICE)
    yield lane
    scored.go_on.set()
    lane.close()


def films(first: int, count: int) -> Any:
    return np.arange(first, first + count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 2, 2), np.uint8)


def asked(first: int, count: int, is_cancelled: Callable[[], bool] = lambda: False) -> Any:
    return program.Asked(films(first, count), is_cancelled)


def held(lane: Any, scored: Scored) -> Any:
    """A request that keeps the lane's only thread busy until ``go_on``."""
    one = asked(0, 1)
    lane.put(one)
    assert scored.begun.wait(30)
    return one


def values(one: Any) -> list[float]:
    answer = one.answer.result(30)
    assert {name: len(rows) for name, rows in answer.items()} == dict.fromkeys(program.OUTPUTS, len(one.films))
    return [float(value) for value in answer["PROBABILITY"][:, 0]]


def test_a_large_request_is_scored_in_slices_and_answered_in_order(lane: Any, scored: Scored) -> None:
    scored.go_on.set()
    large = asked(10, 20)
    lane.put(large)
    assert values(large) == list(range(10, 30))
    assert scored.sizes == [8, 8, 4]


def test_small_requests_that_wait_share_a_slice(lane: Any, scored: Scored) -> None:
    first, small = held(lane, scored), [asked(n, 3) for n in (10, 20, 30)]
    for one in small:
        lane.put(one)
    scored.go_on.set()
    assert [values(one) for one in (first, *small)] == [[0], [10, 11, 12], [20, 21, 22], [30, 31, 32]]
    assert scored.sizes == [1, 6, 3]


def test_a_slice_that_fails_fails_its_requests_and_no_other(lane: Any, scored: Scored) -> None:
    held(lane, scored)
    bad, beside, later = asked(255, 1), asked(10, 3), asked(20, 8)
    for one in (bad, beside, later):
        lane.put(one)
    scored.go_on.set()
    for one in (bad, beside):
        with pytest.raises(RuntimeError, match="cannot be scored"):
            one.answer.result(30)
    assert values(later) == list(range(20, 28))


def test_a_full_lane_refuses_and_forgets_nothing(lane: Any, scored: Scored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "MOST_WAITING", 2)
    held(lane, scored)
    waiting, refused = [asked(10, 20), asked(40, 1)], asked(50, 1)
    for one in (*waiting, refused):
        lane.put(one)
    with pytest.raises(program.Refused) as error:
        refused.answer.result(30)
    assert error.value.code == "UNAVAILABLE"
    scored.go_on.set()
    assert [len(values(one)) for one in waiting] == [20, 1]


def test_what_nobody_waits_for_any_more_is_not_scored(
    lane: Any, scored: Scored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "PATIENCE_S", 0.0)
    held(lane, scored)
    gone, here = asked(10, 8, lambda: True), asked(20, 8)
    lane.put(gone)
    lane.put(here)
    scored.go_on.set()
    assert values(here) == list(range(20, 28))
    with pytest.raises(program.Refused) as error:
        gone.answer.result(30)
    assert error.value.code == "CANCELLED"
    assert scored.sizes == [1, 8]


class LeftTogether:
    """A lock whose holders go on only when as many as are expected have left it."""

    def __init__(self, holders: int) -> None:
        self.lock, self.left = Lock(), Barrier(holders)

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()
        self.left.wait(30)


def test_threads_that_finish_a_request_together_answer_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one, both_see_it_whole, is_done = asked(0, 8), Barrier(2), Future.done

    def done(answer: Any) -> bool:
        found = is_done(answer)
        with suppress(BrokenBarrierError):  # only one may get here
            both_see_it_whole.wait(0.5)
        return found

    monkeypatch.setattr(Future, "done", done)
    one.changing = LeftTogether(2)
    with ThreadPoolExecutor(2) as threads:
        halves = [threads.submit(one.add, start, start + 4, {"OOD_SCORE": np.zeros((4, 1))}) for start in (0, 4)]
        assert [half.result(30) for half in halves] == [None, None]
    assert one.answer.result(30)["OOD_SCORE"].shape == (8, 1)


def test_every_thread_gets_a_part_of_a_small_request() -> None:
    both = [Scored(), Scored()]
    lane = program.Lane(both, SLICE)
    one = asked(0, 8)
    lane.put(one)
    assert all(scored.begun.wait(30) for scored in both)
    for scored in both:
        scored.go_on.set()
    assert values(one) == list(range(8))
    assert [scored.sizes for scored in both] == [[4], [4]]
    lane.close()


def test_closing_answers_what_waits(lane: Any, scored: Scored) -> None:
    first, second = held(lane, scored), asked(10, 3)
    lane.put(second)
    scored.go_on.set()
    lane.close()
    assert (values(first), values(second)) == ([0], [10, 11, 12])


def test_a_request_without_films_is_refused(lane: Any) -> None:
    none = asked(0, 0)
    lane.put(none)
    with pytest.raises(program.Refused, match="no film"):
        none.answer.result(30)
