"""Every error has a code of its own, a sentence, and a place in the drawing."""

from __future__ import annotations

import cxr.errors
from cxr.errors import (
    AccessRefused,
    CxrError,
    ImageRejected,
    RequestRefused,
    TooBusy,
    Unavailable,
    error_of,
    every_error,
)
from cxr.schemas import Rejection


def test_codes_are_unique_and_sentences_end() -> None:
    errors = list(every_error())
    assert len({error.code for error in errors}) == len(errors)
    assert all(error.sentence.endswith(".") for error in errors)


def test_the_drawing_in_the_docstring_names_every_error() -> None:
    drawing = cxr.errors.__doc__ or ""
    grouping = (CxrError, AccessRefused, ImageRejected, RequestRefused, TooBusy, Unavailable)
    for error in every_error():
        if not error.__module__.startswith("cxr.errors."):
            continue
        assert error.__name__ in drawing
        assert error in grouping or error.code in drawing


def test_what_is_away_or_busy_may_be_tried_again() -> None:
    assert all(error.retryable for error in (*every_error(Unavailable), *every_error(TooBusy)))
    assert not any(error.retryable for error in every_error(ImageRejected))


def test_a_rejection_repeats_its_error() -> None:
    error = cxr.errors.TooManyPixels("10000 x 6000")
    rejection = Rejection.of(error)
    assert (rejection.code, rejection.retryable) == ("too_many_pixels", False)
    assert "10000 x 6000" in rejection.message
    away = Rejection.of(cxr.errors.ModelUnavailable())
    assert (away.code, away.retryable, away.message) == (
        "model_unavailable",
        True,
        cxr.errors.ModelUnavailable.sentence,
    )


def test_what_is_particular_is_added_to_the_sentence() -> None:
    error = cxr.errors.QueueFull("1000 wait", retry_after_s=42)
    assert (str(error), error.detail, error.retry_after_s) == ("The queue is full. (1000 wait)", "1000 wait", 42)
    assert error.args == ("1000 wait",)
    assert (str(TooBusy()), TooBusy().retry_after_s) == (TooBusy.sentence, 5)


def test_an_error_is_found_by_its_code() -> None:
    assert all(error_of(error.code) is error for error in every_error())
    assert error_of("no_such_code") is CxrError
