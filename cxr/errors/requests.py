"""The request as a whole is not accepted."""

from __future__ import annotations

from cxr.errors.root import CxrError


class RequestRefused(CxrError):
    """The request as a whole is not accepted; nothing of it was stored."""

    code = "request_refused"
    sentence = "The request cannot be accepted."


class NoImages(RequestRefused):
    code = "no_images"
    sentence = "There is no image in it."


class TooManyImages(RequestRefused):
    code = "too_many_images"
    sentence = "The request holds more images than one job may have."


class RequestTooLarge(RequestRefused):
    code = "request_too_large"
    sentence = "The request is larger than this server accepts."


class AddressRefused(RequestRefused):
    code = "address_refused"
    sentence = "This server takes no films from an address like this."


class CorruptArchive(RequestRefused):
    code = "corrupt_archive"
    sentence = "The archive cannot be read."


class JobNotFound(RequestRefused):
    code = "job_not_found"
    sentence = "There is no such job."


class ImageNotFound(RequestRefused):
    code = "image_not_found"
    sentence = "The job has no such image."


class NoDicomOriginal(RequestRefused):
    code = "no_dicom_original"
    sentence = "The image did not come as a DICOM instance, so no DICOM result can refer to one."


class ResultsNotReady(RequestRefused):
    code = "results_not_ready"
    sentence = "The image has not been answered yet."
    retryable = True


class NotAcceptable(RequestRefused):
    code = "not_acceptable"
    sentence = "The results cannot be had in any of the media types that the Accept header names."


class UnknownFormat(RequestRefused):
    code = "unknown_format"
    sentence = "There is no results format of this name."


class IdempotencyKeyReused(RequestRefused):
    code = "idempotency_key_reused"
    sentence = "The idempotency key was used before, with other content."


class InvalidCursor(RequestRefused):
    code = "invalid_cursor"
    sentence = "The cursor is not one that this server gave."
