"""Not now: too much to do, or a part of the system that is away or is not the right one."""

from __future__ import annotations

from cxr.errors.root import CxrError


class TooBusy(CxrError):
    """There is too much to do already; nothing of the request was kept. ``retry_after_s`` says when to try again."""

    code = "too_busy"
    sentence = "PneumoServe has too much to do at the moment."
    retryable = True

    def __init__(self, detail: str = "", retry_after_s: int = 5) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class QueueFull(TooBusy):
    code = "queue_full"
    sentence = "The queue is full."


class QuotaExceeded(TooBusy):
    code = "quota_exceeded"
    sentence = "You have as many images waiting as you may have at once."


class RateExceeded(TooBusy):
    code = "rate_exceeded"
    sentence = "You have asked more often than you may; wait a little."


class TooManyFollowers(TooBusy):
    code = "too_many_followers"
    sentence = "There are as many connections that follow jobs as there may be."


class Unavailable(CxrError):
    """A part of the system is away; the same call may succeed later."""

    code = "unavailable"
    sentence = "A part of PneumoServe is not available at the moment."
    retryable = True


class ModelUnavailable(Unavailable):
    code = "model_unavailable"
    sentence = "The model server is not available at the moment."


class LedgerUnavailable(Unavailable):
    code = "ledger_unavailable"
    sentence = "The job ledger is not available at the moment."


class QueueUnavailable(Unavailable):
    code = "queue_unavailable"
    sentence = "The work queue is not available at the moment."


class DecoderUnavailable(Unavailable):
    code = "decoder_unavailable"
    sentence = "No process can be started to read images at the moment."


class ObjectStoreUnavailable(Unavailable):
    code = "object_store_unavailable"
    sentence = "The store where the films lie is not available at the moment."


class BlobsUnavailable(Unavailable):
    code = "blobs_unavailable"
    sentence = "The image store is not available at the moment."


class NodeUnavailable(Unavailable):
    code = "node_unavailable"
    sentence = "The DICOM node that results go to does not take them at the moment."


class ContractBroken(CxrError):
    """The served model does not speak the tensor contract of this version."""

    code = "contract_broken"
    sentence = "The served model does not match this version of PneumoServe."
