"""Cursors of the list of jobs."""

from __future__ import annotations

import pytest

from cxr.errors import InvalidCursor
from cxr.jobs import Place


def test_a_cursor_comes_back_as_its_place() -> None:
    place = Place(1_700_000_000_000, "a-b_c")
    assert Place.of(place.cursor) == place
    assert "/" not in place.cursor


@pytest.mark.parametrize("cursor", ["", "!", "é", "YWJj", "MS4yL3g", "x" * 1000, Place(5, "a").cursor + "="])
def test_anything_else_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        Place.of(cursor)
