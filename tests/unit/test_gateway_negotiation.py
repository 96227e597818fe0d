"""Which format a client gets."""

from __future__ import annotations

import pytest

from cxr.errors import NotAcceptable, UnknownFormat
from gateway.negotiation import ResultsFormat, chosen


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "json"),
        ("text/csv", "csv"),
        ("TEXT/CSV; header=present", "csv"),
        ("text/*", "csv"),
        ("text/csv, application/json;q=0.5", "csv"),
        ("text/csv;q=0.4, application/json;q=0.5", "json"),
        ("application/x-ndjson", "ndjson"),
        ("application/ndjson", "ndjson"),
        ("application/jsonl", "ndjson"),
        ("application/fhir+json", "fhir"),
        ("application/zip", "dicom"),
        ("application/json;q=0, */*", "ndjson"),
    ],
)
def test_the_most_liked_is_chosen(accept: str, expected: str) -> None:
    assert chosen(None, accept) == expected


@pytest.mark.parametrize("accept", ["image/png", "text/html, image/*", "application/json;q=0", "text/csv;q=wrong"])
def test_nothing_that_is_liked_is_refused(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="text/csv"):
        chosen(None, accept)


@pytest.mark.parametrize("name", list(ResultsFormat))
def test_a_name_is_stronger_than_the_header(name: str) -> None:
    assert chosen(name, "image/png") == name


@pytest.mark.parametrize("name", ["xml", "", "JSON"])
def test_an_unknown_name_is_refused(name: str) -> None:
    with pytest.raises(UnknownFormat, match="ndjson"):
        chosen(name, "*/*")
