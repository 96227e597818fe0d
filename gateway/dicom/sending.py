"""Results go back to the node that wants them, by C-STORE, until it has taken them all.

What is owed and what was taken is in the ledger, so a door that dies sends the rest when it is back. UIDs of results
come from job and image: what is sent twice is one instance to its receiver.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread

from pydicom.dataset import Dataset

from cxr.errors import CxrError, JobNotFound, NodeUnavailable
from cxr.jobs import Returns
from cxr.schemas import JobState
from cxr.telemetry import logger
from cxr.telemetry.dicom import DICOM_RETURN_FAILURES, DICOM_RETURNED
from gateway.dicom.peers import Node
from gateway.dicom.results import DicomResults
from gateway.dicom.scu import TIMEOUT_S, association_with, refusal

log = logger("gateway.dicom")

CLAIM_S = 120.0  # longer than making and sending one result takes
LOOK_AGAIN_S = 1.0
LONGEST_PAUSE_S = 300.0


class Sender:
    """Sends in a thread of its own; any number of doors may do so side by side."""

    def __init__(self, node: Node, ae_title: str, returns: Returns, results: DicomResults) -> None:
        self._node, self._ae_title, self._returns, self._results = node, ae_title, returns, results
        self._stop = Event()
        self._thread = Thread(target=self._run, name="dicom-sender", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let the result in hand be sent, and end."""
        self._stop.set()
        self._thread.join(TIMEOUT_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                job_id = self._returns.claim(CLAIM_S)
                if job_id is None:
                    self._stop.wait(LOOK_AGAIN_S)
                else:
                    self._look_at(job_id)
            except CxrError as error:  # the ledger is away: the claim runs out, and the job's turn comes again
                log.warning("returns_put_off", code=error.code)
                self._stop.wait(LOOK_AGAIN_S)

    def _look_at(self, job_id: str) -> None:
        try:
            state = self._results.films.parts.jobs.job(job_id).state
            if not state.final:
                return self._returns.put_off(job_id, LOOK_AGAIN_S)
            if state is JobState.DONE:
                self._send(job_id)
        except JobNotFound:  # deleted, or past its retention
            log.warning("results_never_returned", job_id=job_id)
        except NodeUnavailable as error:
            return self._again(job_id, error.detail)
        except _Refused as error:
            return self._again(job_id, str(error))
        except _Stopped:
            return self._returns.put_off(job_id, 0)
        return self._returns.settled(job_id)

    def _send(self, job_id: str) -> None:
        """Send what the node has not taken yet; one that it refuses does not keep the others back."""
        had, refused = self._returns.taken(job_id), []
        owed = [(name, make) for name, make in self._results.of(job_id) if name not in had]
        if not owed:
            return
        with association_with(self._node, self._ae_title) as association:
            for name, make in owed:
                if self._stop.is_set():
                    raise _Stopped
                self._returns.put_off(job_id, CLAIM_S)
                result = _made(job_id, name, make)
                said = refusal(association, result) if result else None
                if said is None:
                    self._returns.take(job_id, name)
                else:
                    refused.append(f"{name}: {said}")
                DICOM_RETURNED.labels("unmade" if result is None else "refused" if said else "taken").inc()
        if refused:
            raise _Refused(", ".join(refused))
        log.info("results_returned", job_id=job_id, objects=len(owed))

    def _again(self, job_id: str, why: str) -> None:
        DICOM_RETURN_FAILURES.inc()
        pause_s = min(LONGEST_PAUSE_S, 2.0 ** min(self._returns.failed(job_id), 9))
        log.warning("results_not_returned", job_id=job_id, code=NodeUnavailable.code, detail=why, again_in_s=pause_s)
        self._returns.put_off(job_id, pause_s)


class _Refused(Exception):
    """The node took the association and refused objects."""


class _Stopped(Exception):
    """The door closes while results are left."""


def _made(job_id: str, name: str, make: Callable[[], Dataset]) -> Dataset | None:
    """The result; None when it never can be made, such as of a film that was removed."""
    try:
        return make()
    except CxrError as error:
        if error.retryable:
            raise
        log.error("result_not_made", job_id=job_id, result=name, code=error.code)
        return None
