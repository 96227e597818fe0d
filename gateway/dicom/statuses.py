"""How an error is said to a DICOM sender: the status of its C-STORE (PS3.4 table B.2-1, PS3.7 annex C)."""

from __future__ import annotations

from pydicom.dataset import Dataset

from cxr.errors import CxrError, ImageRejected, MultiFrameDicom, TooBusy, Unavailable, WrongBodyPart, WrongModality

SUCCESS = 0x0000
PROCESSING_FAILURE = 0x0110
OUT_OF_RESOURCES = 0xA700  # the sender may try again
DOES_NOT_MATCH = 0xA900  # not the kind of object that is judged here
CANNOT_UNDERSTAND = 0xC000
LONGEST_COMMENT = 64  # PS3.5 6.2, LO

# The closest class in the error's own line of descent decides.
STATUS: dict[type[CxrError], int] = {
    TooBusy: OUT_OF_RESOURCES,
    Unavailable: OUT_OF_RESOURCES,
    WrongModality: DOES_NOT_MATCH,
    WrongBodyPart: DOES_NOT_MATCH,
    MultiFrameDicom: DOES_NOT_MATCH,
    ImageRejected: CANNOT_UNDERSTAND,
    CxrError: PROCESSING_FAILURE,
}


def status_of(error: CxrError) -> Dataset:
    """The status with our code and sentence as its comment, which most senders log."""
    answer = Dataset()
    answer.Status = next(STATUS[ancestor] for ancestor in type(error).__mro__ if ancestor in STATUS)
    answer.ErrorComment = f"{error.code}: {error.sentence}"[:LONGEST_COMMENT]
    return answer


def is_taken(status: int) -> bool:
    """Whether a receiver has stored an object: success, or one of the warnings (PS3.7 annex C)."""
    return status in (SUCCESS, 0x0001, 0x0107, 0x0116) or 0xB000 <= status <= 0xBFFF
