"""What a person can do about each error code; the sentence of what happened is the error's own."""

from __future__ import annotations

from cxr.errors import CxrError, error_of

AGAIN = "Wait a moment and try again; nothing is lost."
SEND_AGAIN = "It was not accepted: wait a moment and send it again."
OPERATOR = "Tell the operator of this server."
ANOTHER_EXPORT = "Export the film again from where it came from, as DICOM, PNG or JPEG, and send that file."

ADVICE = {
    "internal_error": OPERATOR,
    # one image
    "image_rejected": "Send another export of the film.",
    "empty_file": "The export probably failed. " + ANOTHER_EXPORT,
    "file_too_large": "Send the film alone and without other frames, or as a compressed DICOM, PNG or JPEG file.",
    "film_lost": "Send the film again.",
    "unsupported_format": "Send the film as PNG, JPEG or DICOM in grey levels. PDF and TIFF are not read.",
    "corrupt_image": "The file may have been cut off on its way. " + ANOTHER_EXPORT,
    "too_many_pixels": "Export the film at its own size; no chest detector has as many pixels.",
    "too_few_pixels": "This is probably a preview picture. Send the film itself.",
    "unsafe_archive_entry": "Make the zip again from plain files and folders, without links or absolute paths.",
    "corrupt_dicom": "The file may have been cut off on its way. " + ANOTHER_EXPORT,
    "wrong_modality": "Send projection X-rays only (CR, DX or RG); CT, MR and ultrasound are not read.",
    "wrong_body_part": "Send the frontal (PA or AP) film of the chest. Lateral films are not read.",
    "multi_frame_dicom": "Send each film of the series as a file of its own.",
    "unsupported_transfer_syntax": "Export the film uncompressed or as JPEG, JPEG-LS, JPEG 2000 or RLE.",
    "not_chest_xray": (
        "Is it a lateral film, or of another part of the body? Only frontal (PA or AP) films of the chest are read:"
        " upright, not heavily cropped, and not a photograph of a screen. If it is such a film all the same,"
        " the model has no answer for it: read it without the model."
    ),
    "inverted_film": (
        "Send the film as it is read, with dark air and bright bones; a DICOM export must say MONOCHROME1 of inverted"
        " grey levels alone."
    ),
    "decode_timeout": "The file is unusually hard to read. " + ANOTHER_EXPORT,
    "decoder_crashed": "The file is probably damaged. " + ANOTHER_EXPORT,
    "poison_image": "It is kept for the operator to look at. " + ANOTHER_EXPORT,
    # the request
    "request_refused": "Check what was sent and send it again.",
    "no_images": "Choose at least one film, or a zip that holds one.",
    "too_many_images": "Send the films in several jobs.",
    "request_too_large": "Send the films in several smaller jobs.",
    "corrupt_archive": "Make the zip again; encrypted archives and other kinds (RAR, 7z, tar) are not read.",
    "job_not_found": "It may have been deleted, its time may be over, or it belongs to someone else.",
    "image_not_found": "Choose a film from the job's list.",
    "no_dicom_original": "DICOM results are made only for films that came as DICOM.",
    "results_not_ready": "Wait until the film has been judged.",
    # access
    "access_refused": "Sign in with an account that has this right.",
    "not_signed_in": "Sign in and try again.",
    "invalid_key": "Ask the operator for a new key.",
    "wrong_login": "Check the spelling and try again.",
    "scope_missing": "Ask the operator for an account that has this right.",
    "cross_site": "Open PneumoServe in its own tab and try again from there.",
    # not now
    "too_busy": AGAIN,
    "queue_full": "Others' films are being judged. " + AGAIN,
    "quota_exceeded": "Wait until your films are judged, then send the next ones.",
    "rate_exceeded": "Wait a minute; sending films together in one job counts once.",
    "unavailable": AGAIN,
    "model_unavailable": "Films that are accepted are judged when it is back.",
    "ledger_unavailable": AGAIN,
    "queue_unavailable": AGAIN,
    "decoder_unavailable": AGAIN,
    "blobs_unavailable": AGAIN,
    "contract_broken": OPERATOR,
    "settings_refused": OPERATOR,
    "other_installation": OPERATOR,
}


def advice(code: str, *, of_upload: bool = False) -> str:
    """What to do about an error; where nothing is said of its code, what is said of the kind it belongs to.

    Of an upload it is said that nothing of it was kept.
    """
    found = next(
        ADVICE[error.code] for error in error_of(code).__mro__ if issubclass(error, CxrError) and error.code in ADVICE
    )
    return found.replace(AGAIN, SEND_AGAIN) if of_upload else found
