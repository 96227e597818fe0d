"""Decoding in threads: in order, within the caller's limits, and a bad file never raises."""

from __future__ import annotations

from threading import Barrier

import numpy as np
import pytest

from cxr.decoding import ThreadDecoder
from cxr.errors import UnsupportedFormat
from cxr.imaging import DEFAULT_LIMITS, Film, Limits
from cxr.schemas import Rejection
from tests.files import png

BLANK = Film(np.zeros((1, 224, 224), np.uint8))


def test_answers_keep_the_order_of_files() -> None:
    films = ThreadDecoder().decode([b"", png(), b"text" * 100])
    assert [film.code if isinstance(film, Rejection) else film.tensor.shape for film in films] == [
        "empty_file",
        (1, 224, 224),
        "unsupported_format",
    ]


def test_the_limits_are_the_callers() -> None:
    given: list[Limits] = []

    def told(_: bytes, limits: Limits) -> Film:
        given.append(limits)
        return BLANK

    narrow = Limits(max_file_bytes=7)
    ThreadDecoder(limits=narrow, function=told).decode([b"a"])
    ThreadDecoder(function=told).decode([b"a"])
    assert given == [narrow, DEFAULT_LIMITS]


def test_as_many_files_at_once_as_there_are_threads() -> None:
    together = Barrier(3)

    def waits(_: bytes, __: Limits) -> Film:
        together.wait(timeout=30)
        return BLANK

    assert len(ThreadDecoder(threads=3, function=waits).decode([b"a", b"b", b"c"])) == 3


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [(MemoryError(), "decoder_crashed", False), (UnsupportedFormat("no"), "unsupported_format", False)],
)
def test_a_file_that_cannot_be_decoded_is_a_rejection(error: Exception, code: str, retryable: bool) -> None:
    def fails(_: bytes, __: Limits) -> Film:
        raise error

    [rejection] = ThreadDecoder(function=fails).decode([b"a"])
    assert isinstance(rejection, Rejection)
    assert (rejection.code, rejection.retryable) == (code, retryable)


def test_a_fault_of_our_own_is_not_the_files() -> None:
    def fails(_: bytes, __: Limits) -> Film:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ThreadDecoder(function=fails).decode([b"a"])
