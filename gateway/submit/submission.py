"""A folder's way through the gateway: sent in batches, followed, and its answers fetched; no file is lost silently."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx

from cxr.errors import ImageRejected, NoImages, QueueFull, QuotaExceeded, RequestRefused, error_of
from cxr.schemas import JobImage, JobResult, JobState, Rejection
from gateway.submit.connection import BUSY, FIRST_PAUSE_S, LONGEST_PAUSE_S, Connection, Refused, Waiting
from gateway.submit.folder import LocalFile, idempotency_key
from gateway.submit.matching import Matching
from gateway.submit.memory import Memory
from gateway.submit.output import Output
from gateway.submit.progress import Bars
from gateway.submit.upload import form

JOBS = "/v1/jobs"
FIRST_LOOK_S, LAST_LOOK_S = 0.5, 5.0
ACCESS = (401, 403)
TOO_LARGE, UNFIT = 413, 422
TOO_MUCH = (QuotaExceeded.code, QueueFull.code)
SENDINGS = 3  # of files that change or vanish while they are sent


@dataclass
class Accepted:
    """A batch that is a job now, and where it stands."""

    job_id: str
    files: list[LocalFile]
    total: int
    answered: int
    state: JobState


class Submission:
    """Sends batches, follows their jobs, writes their rows.

    Raises ``Refused`` (of something other than films: access, or no gateway is there), ``GaveUp``, ``OSError``.
    """

    def __init__(self, connection: Connection, memory: Memory, output: Output, bars: Bars, salt: str) -> None:
        self._connection, self._memory, self._output, self._bars, self._salt = connection, memory, output, bars, salt
        self._jobs: list[Accepted] = []

    def run(self, batches: Iterable[list[LocalFile]]) -> None:
        for batch in batches:
            self._send(batch)
        pause_s = FIRST_LOOK_S
        while not self._look():
            time.sleep(pause_s)
            pause_s = min(1.5 * pause_s, LAST_LOOK_S)
        for job in self._jobs:
            self._fetch(job)

    # -- out

    def _send(self, batch: list[LocalFile]) -> None:
        """A batch that is refused for what is in it is halved, until each file is accepted or refused by itself."""
        waiting = deque([batch])
        while waiting:
            files = waiting.popleft()
            try:
                self._send_together(files)
            except Refused as refusal:
                if not _is_of_content(refusal):
                    raise
                if len(files) == 1:
                    self._refuse(files[0], refusal.code, refusal.detail)
                else:
                    middle = len(files) // 2
                    waiting.extendleft((files[middle:], files[:middle]))

    def _send_together(self, files: list[LocalFile], sendings: int = SENDINGS) -> None:
        readable, hashes = self._hashed(files)
        if not readable:
            return
        key = idempotency_key(readable, hashes, self._salt)
        try:
            job = self._remembered(key) or self._post(readable, key)
        except OSError:
            if sendings == 1:
                raise
            self._send_together(readable, sendings - 1)
            return
        self._memory.keep(key, job["id"])
        self._jobs.append(Accepted(job["id"], readable, job["total"], job["answered"], JobState(job["state"])))
        self._output.summary.files_sent += len(readable)
        self._look()

    def _hashed(self, files: list[LocalFile]) -> tuple[list[LocalFile], list[str]]:
        readable, hashes = [], []
        for file in files:
            try:
                hashes.append(file.sha256())
                readable.append(file)
            except OSError as error:
                self._refuse(file, "unreadable_file", error.strerror or type(error).__name__)
        return readable, hashes

    def _remembered(self, key: str) -> dict[str, Any] | None:
        """The job that an earlier run made of the batch, while it is there."""
        job_id = self._memory.job_of(key)
        try:
            return dict(self._connection.get(f"{JOBS}/{job_id}")) if job_id else None
        except Refused as refusal:
            if refusal.status in ACCESS:
                raise
            return None

    def _post(self, files: list[LocalFile], key: str) -> dict[str, Any]:
        """Waits while the gateway is full, each time longer: every attempt sends all of it."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                return dict(self._connection.post(JOBS, lambda: form(files), {"Idempotency-Key": key}))
            except Waiting as busy:
                self._wait(busy, max(pause_s, busy.retry_after_s))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _wait(self, busy: Waiting, pause_s: float) -> None:
        """So long; where too much waits, only until none of it is ours."""
        if busy.code not in TOO_MUCH:
            self._connection.pause(pause_s, str(busy))
            return
        ends, some_are_ours = time.monotonic() + pause_s, not self._look()
        while (left_s := ends - time.monotonic()) > 0:
            self._connection.pause(min(FIRST_LOOK_S, left_s), str(busy))
            if self._look() and some_are_ours:
                return

    def _refuse(self, file: LocalFile, code: str, detail: str) -> None:
        row = JobResult(index=0, image=_unkept(file), result=Rejection(code=code, message=detail))
        self._output.write(file.given, "", row)
        self._output.summary.files_not_sent += 1

    # -- meanwhile

    def _look(self) -> bool:
        """Ask after the oldest job that is not final; True when all are."""
        for job in self._jobs:
            if not job.state.final:
                standing = self._connection.get(f"{JOBS}/{job.job_id}")
                if standing["answered"] > job.answered:
                    self._connection.went_on()
                job.answered, job.state = standing["answered"], JobState(standing["state"])
                if not job.state.final:
                    break
        self._show()
        return all(job.state.final for job in self._jobs)

    def _answered(self) -> int:
        return self._output.summary.files_not_sent + sum(job.answered for job in self._jobs)

    def _show(self) -> None:
        summary = self._output.summary
        images = summary.files_not_sent + sum(job.total for job in self._jobs)
        handled = summary.files_sent + summary.files_not_sent
        self._bars.show(handled, self._answered(), max(images, self._bars.files))

    # -- back

    def _fetch(self, job: Accepted) -> None:
        """All rows of a job; where the stream breaks it goes on from the row after the last."""
        matching = Matching(job.files)
        rows = 0
        pause_s = FIRST_PAUSE_S

        def take(line: str) -> None:
            nonlocal rows
            row = JobResult.model_validate_json(line)
            self._output.write(matching.file_of(row.image.name).given, job.job_id, row, job.state)
            rows += 1

        while rows < job.total:
            try:
                self._connection.lines(f"{JOBS}/{job.job_id}/results", take, format="ndjson", offset=rows)
            except httpx.TransportError as error:
                self._connection.pause(pause_s, f"connection lost: {error or type(error).__name__}")
            except Refused as refusal:
                if refusal.status != BUSY and refusal.status < 500:
                    raise
                self._connection.pause(pause_s, str(refusal))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        self._output.summary.zips_opened += matching.opened
        for file in matching.left:
            row = JobResult(index=0, image=_unkept(file), result=Rejection.of(NoImages()))
            self._output.write(file.given, job.job_id, row)


def _is_of_content(refusal: Refused) -> bool:
    """Whether other films may be taken; a 413 counts from a proxy too, which has a limit of its own."""
    is_ours = issubclass(error_of(refusal.code), (ImageRejected, RequestRefused))
    return refusal.status == TOO_LARGE or (refusal.status == UNFIT and is_ours)


def _unkept(file: LocalFile) -> JobImage:
    return JobImage(name=file.name, sha256=None, size_bytes=file.size_bytes)
