"""One image cannot be judged: its file, its content, or what it did to a worker."""

from __future__ import annotations

from cxr.errors.root import CxrError


class ImageRejected(CxrError):
    """One image cannot be judged; the other images of its job are not affected."""

    code = "image_rejected"
    sentence = "This image cannot be judged."
    shows_film = False
    """Whether a film was read that can be looked at, though it is not judged."""


class EmptyFile(ImageRejected):
    code = "empty_file"
    sentence = "The file is empty."


class FileTooLarge(ImageRejected):
    code = "file_too_large"
    sentence = "The file is larger than this server accepts."


class ObjectNotFound(ImageRejected):
    code = "object_not_found"
    sentence = "There is no file at this address that the server may read."


class FilmLost(ImageRejected):
    code = "film_lost"
    sentence = "The film is no longer in the image store, so it cannot be judged; it has to be sent again."


class UnsupportedFormat(ImageRejected):
    code = "unsupported_format"
    sentence = "The file's format cannot be read here; JPEG, PNG and DICOM can."


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
    shows_film = True


class InvertedFilm(ImageRejected):
    code = "inverted_film"
    sentence = "The film's grey levels seem to be inverted: air is bright and bone dark, so no finding is given."
    shows_film = True


class DecodeTimeout(ImageRejected):
    code = "decode_timeout"
    sentence = "Reading the image took longer than one image may take."


class DecoderCrashed(ImageRejected):
    code = "decoder_crashed"
    sentence = "The image stopped the program that reads images; nothing else was affected."


class PoisonImage(ImageRejected):
    code = "poison_image"
    sentence = "The image was set aside after it repeatedly stopped a worker."
