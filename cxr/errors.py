"""One tree of errors; each has a code for programs, a sentence for people, and says whether trying again can help.

CxrError
├── ImageRejected            one image cannot be judged; the rest of its job goes on
│   ├── EmptyFile            empty_file
│   ├── FileTooLarge         file_too_large
│   ├── UnsupportedFormat    unsupported_format
│   ├── CorruptImage         corrupt_image
│   ├── TooManyPixels        too_many_pixels
│   ├── TooFewPixels         too_few_pixels
│   ├── UnsafeArchiveEntry   unsafe_archive_entry
│   ├── CorruptDicom         corrupt_dicom
│   ├── WrongModality        wrong_modality
│   ├── WrongBodyPart        wrong_body_part
│   ├── MultiFrameDicom      multi_frame_dicom
│   ├── UnsupportedTransferSyntax  unsupported_transfer_syntax
│   ├── NotChestXray         not_chest_xray
│   ├── DecodeTimeout        decode_timeout
│   ├── DecoderCrashed       decoder_crashed
│   └── PoisonImage          poison_image
├── RequestRefused           the request as a whole is not accepted; nothing was stored
│   ├── NoImages             no_images
│   ├── TooManyImages        too_many_images
│   ├── RequestTooLarge      request_too_large
│   ├── CorruptArchive       corrupt_archive
│   ├── JobNotFound          job_not_found
│   ├── ImageNotFound        image_not_found
│   └── ResultsNotReady      results_not_ready   (retryable)
├── TooBusy                  there is too much to do already; try again later   (retryable)
│   ├── QueueFull            queue_full
│   ├── QuotaExceeded        quota_exceeded
│   └── RateExceeded         rate_exceeded
├── Unavailable              a part is away; the same call may succeed later   (retryable)
│   ├── ModelUnavailable     model_unavailable
│   ├── LedgerUnavailable    ledger_unavailable
│   ├── QueueUnavailable     queue_unavailable
│   ├── DecoderUnavailable   decoder_unavailable
│   └── BlobsUnavailable     blobs_unavailable
└── ContractBroken           the served model is not the one this program was written for
                             contract_broken
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar


class CxrError(Exception):
    """Something PneumoServe says in its own words.

    The class's ``sentence`` is what people read; ``detail`` adds what is particular to this occurrence and never
    holds pixels, file contents or patient data.
    """

    code: ClassVar[str] = "internal_error"
    sentence: ClassVar[str] = "Something went wrong inside PneumoServe."
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.sentence} ({self.detail})" if self.detail else self.sentence


class ImageRejected(CxrError):
    """One image cannot be judged; the other images of its job are not affected."""

    code = "image_rejected"
    sentence = "This image cannot be judged."


class EmptyFile(ImageRejected):
    code = "empty_file"
    sentence = "The file is empty."


class FileTooLarge(ImageRejected):
    code = "file_too_large"
    sentence = "The file is larger than this server accepts."


class UnsupportedFormat(ImageRejected):
    code = "unsupported_format"
    sentence = "The file is not a JPEG, PNG or DICOM image."


class CorruptImage(ImageRejected):
    code = "corrupt_image"
    sentence = "The image file is damaged or incomplete."


class TooManyPixels(ImageRejected):
    code = "too_many_pixels"
    sentence = "The image has more pixels than this server accepts."


class TooFewPixels(ImageRejected):
    code = "too_few_pixels"
    sentence = "The image is too small to be judged."


class UnsafeArchiveEntry(ImageRejected):
    code = "unsafe_archive_entry"
    sentence = "The archive entry's name points outside the archive or is not a plain file."


class CorruptDicom(ImageRejected):
    code = "corrupt_dicom"
    sentence = "The DICOM file is damaged or incomplete."


class WrongModality(ImageRejected):
    code = "wrong_modality"
    sentence = "The DICOM object is not a projection X-ray (CR, DX or RG)."


class WrongBodyPart(ImageRejected):
    code = "wrong_body_part"
    sentence = "The DICOM object does not show a frontal view of the chest."


class MultiFrameDicom(ImageRejected):
    code = "multi_frame_dicom"
    sentence = "The DICOM object holds several frames; send one film at a time."


class UnsupportedTransferSyntax(ImageRejected):
    code = "unsupported_transfer_syntax"
    sentence = "The DICOM object's pixel compression cannot be read here."


class NotChestXray(ImageRejected):
    code = "not_chest_xray"
    sentence = "This does not look like a frontal chest X-ray, so no finding is given."


class DecodeTimeout(ImageRejected):
    code = "decode_timeout"
    sentence = "Reading the image took longer than one image may take."


class DecoderCrashed(ImageRejected):
    code = "decoder_crashed"
    sentence = "The image stopped the program that reads images; nothing else was affected."


class PoisonImage(ImageRejected):
    code = "poison_image"
    sentence = "The image was set aside after it repeatedly stopped a worker."


class RequestRefused(CxrError):
    """The request as a whole is not accepted; nothing of it was stored."""

    code = "request_refused"
    sentence = "The request cannot be accepted."


class NoImages(RequestRefused):
    code = "no_images"
    sentence = "The request holds no image."


class TooManyImages(RequestRefused):
    code = "too_many_images"
    sentence = "The request holds more images than one job may have."


class RequestTooLarge(RequestRefused):
    code = "request_too_large"
    sentence = "The request is larger than this server accepts."


class CorruptArchive(RequestRefused):
    code = "corrupt_archive"
    sentence = "The archive cannot be read."


class JobNotFound(RequestRefused):
    code = "job_not_found"
    sentence = "There is no such job."


class ImageNotFound(RequestRefused):
    code = "image_not_found"
    sentence = "The job has no such image."


class ResultsNotReady(RequestRefused):
    code = "results_not_ready"
    sentence = "The image has not been answered yet."
    retryable = True


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
    sentence = "You have submitted too many jobs within a minute."


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


class BlobsUnavailable(Unavailable):
    code = "blobs_unavailable"
    sentence = "The image store is not available at the moment."


class ContractBroken(CxrError):
    """The served model does not speak the tensor contract of this version."""

    code = "contract_broken"
    sentence = "The served model does not match this version of PneumoServe."


def every_error(root: type[CxrError] = CxrError) -> Iterator[type[CxrError]]:
    """Yield ``root`` and all errors below it, parents first."""
    yield root
    for child in root.__subclasses__():
        yield from every_error(child)
