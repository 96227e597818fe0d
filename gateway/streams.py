"""Results as a stream: lines gathered into blocks, so that a job of any size needs the memory of a page of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from fastapi.responses import StreamingResponse

from cxr.jobs import References
from cxr.schemas import InstanceReference, JobResult

PAGE = 512
BLOCK_CHARACTERS = 64 * 1024  # each block costs a visit to a thread


def ndjson_lines(results: Iterable[JobResult]) -> Iterator[str]:
    """One line of JSON per image (https://github.com/ndjson/ndjson-spec), the same object as a row of the JSON page."""
    for row in results:
        yield row.model_dump_json() + "\n"


def with_references(
    results: Iterable[JobResult], references: References, job_id: str
) -> Iterator[tuple[JobResult, InstanceReference | None]]:
    """Each row with the DICOM instance its film came as, looked up page by page."""
    rows = iter(results)
    while page := list(islice(rows, PAGE)):
        known = references.get(job_id, [row.index for row in page])
        for row in page:
            yield row, known.get(row.index)


def stream(lines: Iterator[str], media_type: str, file_name: str) -> StreamingResponse:
    """An answer of lines. What is wrong with the first of them (an unknown job) is raised before the answer starts.

    An error further on ends the connection without the closing chunk, so that no client takes a part for the whole.
    """
    first = next(lines, "")
    headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
    return StreamingResponse(_blocks(chain([first], lines)), media_type=media_type, headers=headers)


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    waiting: list[str] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= BLOCK_CHARACTERS:
            yield "".join(waiting)
            waiting.clear()
            size = 0
    yield "".join(waiting)
