"""Which format a client gets its results in: ``?format=``, or else its Accept header (RFC 9110, 12.5.1)."""

from __future__ import annotations

from enum import StrEnum

from cxr.errors import NotAcceptable, UnknownFormat


class ResultsFormat(StrEnum):
    """What results can be had as; the first that a client likes best wins."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    FHIR = "fhir"
    DICOM = "dicom"


MEDIA_TYPES = {
    ResultsFormat.JSON: "application/json",
    ResultsFormat.NDJSON: "application/x-ndjson",
    ResultsFormat.CSV: "text/csv",
    ResultsFormat.FHIR: "application/fhir+json",
    ResultsFormat.DICOM: "application/zip",
}
OTHER_NAMES = {"application/ndjson": ResultsFormat.NDJSON, "application/jsonl": ResultsFormat.NDJSON}
OFFERED = {**{media_type: name for name, media_type in MEDIA_TYPES.items()}, **OTHER_NAMES}


def chosen(asked: str | None, accept: str) -> ResultsFormat:
    """The format asked for by name, or else the most liked of those that the Accept header allows; JSON by default.

    Raises ``UnknownFormat``, ``NotAcceptable``.
    """
    if asked is not None:
        if asked not in list(ResultsFormat):
            raise UnknownFormat(f"one of {', '.join(ResultsFormat)}")
        return ResultsFormat(asked)
    ranges = _ranges(accept)
    if not ranges:
        return ResultsFormat.JSON
    liking = {media_type: _liking(media_type, ranges) for media_type in OFFERED}
    best = max(liking, key=lambda media_type: liking[media_type])
    if liking[best] <= 0:
        raise NotAcceptable(f"offered: {', '.join(MEDIA_TYPES.values())}")
    return OFFERED[best]


def _ranges(accept: str) -> dict[str, float]:
    """Media ranges and how much each is liked, 0 to 1; an unreadable q counts as 0."""
    found: dict[str, float] = {}
    for each in accept.lower().split(","):
        media_range, *parameters = (part.strip() for part in each.split(";"))
        if media_range:
            found[media_range] = next((_quality(text[2:]) for text in parameters if text.startswith("q=")), 1.0)
    return found


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0


def _liking(media_type: str, ranges: dict[str, float]) -> float:
    """The most particular range that holds the type decides."""
    kind = media_type.partition("/")[0]
    return next((ranges[each] for each in (media_type, f"{kind}/*", "*/*") if each in ranges), 0.0)
