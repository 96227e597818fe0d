"""What may be remarked on a film or its answer."""

from __future__ import annotations

from enum import StrEnum


class NoteCode(StrEnum):
    """The code of a remark; each has a sentence for people."""

    AGE_OUTSIDE_VALIDATED_RANGE = "age_outside_validated_range"
    BURNT_IN_TEXT_DECLARED = "burnt_in_text_declared"
    BURNT_IN_TEXT_SEEN = "burnt_in_text_seen"
    TURNED = "turned"
    CUT_OFF = "cut_off"
    LOW_CONTRAST = "low_contrast"
    UNLIKE_OTHERS = "unlike_others"

    @property
    def of_pixels(self) -> bool:
        """Seen on the film itself, so true of every file with these pixels; the others are what a file says."""
        return self not in (NoteCode.AGE_OUTSIDE_VALIDATED_RANGE, NoteCode.BURNT_IN_TEXT_DECLARED)

    @property
    def message(self) -> str:
        return NOTE_MESSAGES[self]


NOTE_MESSAGES = {
    NoteCode.AGE_OUTSIDE_VALIDATED_RANGE: (
        "The patient is not between one and five years old; the model was validated on no other age."
    ),
    NoteCode.BURNT_IN_TEXT_DECLARED: "The file says that text is burnt into the film; it may name the patient.",
    NoteCode.BURNT_IN_TEXT_SEEN: (
        "Text seems to be burnt into the film at its upper or lower border; it may name the patient."
    ),
    NoteCode.TURNED: "The film seems to lie on its side or upside down; the model knows upright films only.",
    NoteCode.CUT_OFF: "Part of the chest seems to lie outside the film.",
    NoteCode.LOW_CONTRAST: "The film has little contrast; faint opacities may be lost in it.",
    NoteCode.UNLIKE_OTHERS: (
        "The film is unlike most that the model was made with, though not so much that it is refused;"
        " make sure that it is a frontal view."
    ),
}
