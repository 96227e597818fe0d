"""One tree of errors; each has a code for programs, a sentence for people, and says whether trying again can help.

CxrError
├── ImageRejected            one image cannot be judged; the rest of its job goes on
│   ├── EmptyFile            empty_file
│   ├── FileTooLarge         file_too_large
│   ├── ObjectNotFound       object_not_found
│   ├── FilmLost             film_lost
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
│   ├── InvertedFilm         inverted_film
│   ├── DecodeTimeout        decode_timeout
│   ├── DecoderCrashed       decoder_crashed
│   └── PoisonImage          poison_image
├── RequestRefused           the request as a whole is not accepted; nothing was stored
│   ├── NoImages             no_images
│   ├── TooManyImages        too_many_images
│   ├── RequestTooLarge      request_too_large
│   ├── AddressRefused       address_refused
│   ├── CorruptArchive       corrupt_archive
│   ├── JobNotFound          job_not_found
│   ├── ImageNotFound        image_not_found
│   ├── NoDicomOriginal      no_dicom_original
│   ├── NotAcceptable        not_acceptable
│   ├── UnknownFormat        unknown_format
│   ├── InvalidCursor        invalid_cursor
│   ├── IdempotencyKeyReused  idempotency_key_reused
│   └── ResultsNotReady      results_not_ready   (retryable)
├── AccessRefused            the caller is not known, or may not do this
│   ├── NotSignedIn          not_signed_in
│   │   ├── InvalidKey       invalid_key
│   │   └── WrongLogin       wrong_login
│   ├── ScopeMissing         scope_missing
│   └── CrossSite            cross_site
├── TooBusy                  there is too much to do already; try again later   (retryable)
│   ├── QueueFull            queue_full
│   ├── QuotaExceeded        quota_exceeded
│   ├── RateExceeded         rate_exceeded
│   └── TooManyFollowers     too_many_followers
├── Unavailable              a part is away; the same call may succeed later   (retryable)
│   ├── ModelUnavailable     model_unavailable
│   ├── LedgerUnavailable    ledger_unavailable
│   ├── QueueUnavailable     queue_unavailable
│   ├── DecoderUnavailable   decoder_unavailable
│   ├── ObjectStoreUnavailable  object_store_unavailable
│   ├── BlobsUnavailable     blobs_unavailable
│   └── NodeUnavailable      node_unavailable
├── ContractBroken           the served model is not the one this program was written for
│                            contract_broken
├── SettingsRefused          a CXR_ variable is unknown, missing or out of its bounds
│                            settings_refused
└── OtherInstallation        ledger and image store do not belong together; nothing was removed
                             other_installation
"""

from __future__ import annotations

from cxr.errors.access import AccessRefused, CrossSite, InvalidKey, NotSignedIn, ScopeMissing, WrongLogin
from cxr.errors.availability import (
    BlobsUnavailable,
    ContractBroken,
    DecoderUnavailable,
    LedgerUnavailable,
    ModelUnavailable,
    NodeUnavailable,
    ObjectStoreUnavailable,
    QueueFull,
    QueueUnavailable,
    QuotaExceeded,
    RateExceeded,
    TooBusy,
    TooManyFollowers,
    Unavailable,
)
from cxr.errors.configuration import OtherInstallation, SettingsRefused
from cxr.errors.images import (
    CorruptDicom,
    CorruptImage,
    DecoderCrashed,
    DecodeTimeout,
    EmptyFile,
    FileTooLarge,
    FilmLost,
    ImageRejected,
    InvertedFilm,
    MultiFrameDicom,
    NotChestXray,
    ObjectNotFound,
    PoisonImage,
    TooFewPixels,
    TooManyPixels,
    UnsafeArchiveEntry,
    UnsupportedFormat,
    UnsupportedTransferSyntax,
    WrongBodyPart,
    WrongModality,
)
from cxr.errors.requests import (
    AddressRefused,
    CorruptArchive,
    IdempotencyKeyReused,
    ImageNotFound,
    InvalidCursor,
    JobNotFound,
    NoDicomOriginal,
    NoImages,
    NotAcceptable,
    RequestRefused,
    RequestTooLarge,
    ResultsNotReady,
    TooManyImages,
    UnknownFormat,
)
from cxr.errors.root import (
    CxrError,
    error_of,
    every_error,
)

__all__ = [
    "AccessRefused",
    "AddressRefused",
    "BlobsUnavailable",
    "ContractBroken",
    "CorruptArchive",
    "CorruptDicom",
    "CorruptImage",
    "CrossSite",
    "CxrError",
    "DecodeTimeout",
    "DecoderCrashed",
    "DecoderUnavailable",
    "EmptyFile",
    "FileTooLarge",
    "FilmLost",
    "IdempotencyKeyReused",
    "ImageNotFound",
    "ImageRejected",
    "InvalidCursor",
    "InvalidKey",
    "InvertedFilm",
    "JobNotFound",
    "LedgerUnavailable",
    "ModelUnavailable",
    "MultiFrameDicom",
    "NoDicomOriginal",
    "NoImages",
    "NodeUnavailable",
    "NotAcceptable",
    "NotChestXray",
    "NotSignedIn",
    "ObjectNotFound",
    "ObjectStoreUnavailable",
    "OtherInstallation",
    "PoisonImage",
    "QueueFull",
    "QueueUnavailable",
    "QuotaExceeded",
    "RateExceeded",
    "RequestRefused",
    "RequestTooLarge",
    "ResultsNotReady",
    "ScopeMissing",
    "SettingsRefused",
    "TooBusy",
    "TooFewPixels",
    "TooManyFollowers",
    "TooManyImages",
    "TooManyPixels",
    "Unavailable",
    "UnknownFormat",
    "UnsafeArchiveEntry",
    "UnsupportedFormat",
    "UnsupportedTransferSyntax",
    "WrongBodyPart",
    "WrongLogin",
    "WrongModality",
    "error_of",
    "every_error",
]
