"""The films of one association on their way into one job."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from threading import Lock

from cxr.errors import CxrError, FileTooLarge, JobNotFound, LedgerUnavailable
from cxr.jobs import Receptions, Returns
from cxr.schemas import JobState, QueueName
from cxr.telemetry import logger
from cxr.telemetry.traces import continued, span
from gateway.contents import Film
from gateway.intake import Taken, add_to_job, hint, submit, take_in
from gateway.parts import Parts

log = logger("gateway.dicom")


@dataclass(frozen=True)
class Desk:
    """What a reception needs: the gateway's parts as the sender may use them, and the DICOM door's two records."""

    parts: Parts
    receptions: Receptions
    returns: Returns | None  # None when no node wants results


@dataclass
class Reception:
    """One association's films; ``store`` and ``close`` may come from two threads."""

    desk: Desk
    _job_id: str | None = None
    _count: int = 0
    _lock: Lock = field(default_factory=Lock)

    def store(self, content: bytes) -> None:
        """Take one film, durably: when this returns it will be answered.

        Raises the film's refusal (then nothing of it is kept), ``TooBusy``, ``Unavailable``.
        """
        settings = self.desk.parts.settings
        with self._lock, continued(), span("store"):
            if len(content) > settings.max_file_bytes:
                raise FileTooLarge(f"{len(content)} bytes, at most {settings.max_file_bytes}")
            taken = take_in(Film(f"film {self._count + 1}", len(content), content), settings.max_file_bytes)
            if taken.refusal:
                raise taken.refusal
            if self._count >= settings.max_images_per_job:
                self._hand_over()
            try:
                self._add(taken)
            except JobNotFound:  # it was silent for so long that it was submitted with the films it had
                self._job_id = None
                self._add(taken)

    def close(self) -> None:
        """No more films come: submit the job. What cannot be done now is done by ``submit_silent`` later."""
        with self._lock:
            try:
                self._hand_over()
            except CxrError as error:
                log.warning("job_not_submitted", code=error.code)

    def _add(self, taken: Taken) -> None:
        """The bytes come first: a row whose bytes could not be stored would wait for ever."""
        parts = self.desk.parts
        if self._job_id is None:
            self._job_id, self._count = parts.jobs.create(QueueName.INTERACTIVE, parts.caller.owner), 0
        self.desk.receptions.alive(self._job_id)
        sha256 = parts.blobs.put(taken.content or b"", taken.image.sha256)
        try:
            add_to_job(self._job_id, [taken], parts)
        except CxrError:
            with suppress(CxrError):
                parts.blobs.discard([sha256], parts.jobs.unneeded)
            raise
        self._count += 1

    def _hand_over(self) -> None:
        if self._job_id is not None:
            job_id, self._job_id, self._count = self._job_id, None, 0
            hand_over(job_id, self.desk)


def hand_over(job_id: str, desk: Desk) -> None:
    """Submit a received job, and remember that its results are owed; safe to repeat after a failure halfway."""
    parts = desk.parts
    with suppress(JobNotFound):  # deleted meanwhile by its owner
        job = parts.jobs.job(job_id)
        if job.state is JobState.RECEIVING and job.total == 0:
            parts.custody.forget(job_id, parts.caller.actor, "refused")
        elif job.state is JobState.RECEIVING:
            if job.total > parts.settings.interactive_max_images:
                desk.receptions.put_in(job_id, QueueName.BATCH)
            if desk.returns:
                desk.returns.owe(job_id)
            chunks = submit(job_id, parts)
            hint(parts.jobs.job(job_id), chunks, parts)
    desk.receptions.closed(job_id)


def submit_silent(desk: Desk, silent_s: float) -> None:
    """Submit the jobs whose door died while films were arriving: what was answered with success will be judged."""
    try:
        for job_id in desk.receptions.silent(silent_s):
            log.warning("reception_was_cut_off", job_id=job_id)
            hand_over(job_id, desk)
    except LedgerUnavailable as error:
        log.warning("receptions_not_seen", code=error.code)
