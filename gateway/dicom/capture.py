"""The film under its heatmap as a DICOM secondary capture that refers to the film's own instance."""

from __future__ import annotations

import numpy as np
from highdicom.sc import SCImage
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from cxr.notes import NoteCode
from cxr.schemas import Finding, InstanceReference, Prediction
from gateway.dicom.originals import MANUFACTURER, NOTICE, original, result_uid

SERIES_NUMBER = 9002
WORDS = {
    Finding.PNEUMONIA: "pneumonia",
    Finding.NO_PNEUMONIA: "no pneumonia",
    Finding.INDETERMINATE: "indeterminate",
}
TEXT_PER_WIDTH, LEAST_TEXT_PX = 45, 10  # a line of the caption holds 50 letters and more


def capture(
    job_id: str,
    index: int,
    prediction: Prediction,
    reference: InstanceReference,
    overlay: Image.Image,
    *,
    lettered: bool = False,
) -> Dataset:
    """``overlay``: the film under its heatmap, RGB. The caption stands below it, never on the film.

    ``lettered``: the film itself seems to have text burnt in, and then so has this.
    """
    image = SCImage.from_ref_dataset(
        ref_dataset=original(reference),
        pixel_array=np.asarray(_captioned(overlay, prediction), np.uint8),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        patient_orientation=("L", "F"),
        series_instance_uid=result_uid("captures", job_id, reference.study_uid),
        series_number=SERIES_NUMBER,
        sop_instance_uid=result_uid("capture", job_id, index),
        instance_number=index + 1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=prediction.model.name,
        software_versions=str(prediction.model.version),
        series_description="PneumoServe heatmaps",
        transfer_syntax_uid=ExplicitVRLittleEndian,
    )
    image.PatientOrientation = []  # how the film was laid is not known here
    image.BodyPartExamined = "CHEST"
    image.ConversionType = "WSD"
    image.ImageComments = NOTICE
    image.DerivationDescription = "Heatmap: what each part adds to the log-odds of pneumonia"
    image.SourceImageSequence = Sequence([_source(reference)])
    declared = any(note.code == NoteCode.BURNT_IN_TEXT_DECLARED for note in prediction.notes)
    image.BurnedInAnnotation = "YES" if declared or lettered else "NO"
    return image


def _source(reference: InstanceReference) -> Dataset:
    purpose, source = Dataset(), Dataset()
    code = codes.DCM.SourceImageForImageProcessingOperation
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = code.value, "DCM", code.meaning
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = reference.sop_class_uid, reference.instance_uid
    source.PurposeOfReferenceCodeSequence = Sequence([purpose])
    return source


def _captioned(overlay: Image.Image, prediction: Prediction) -> Image.Image:
    width, height = overlay.size
    text_px = max(LEAST_TEXT_PX, width // TEXT_PER_WIDTH)
    model = prediction.model
    lines = (
        f"{WORDS[prediction.finding]}, probability {prediction.probability:.3f}",
        f"{MANUFACTURER} {model.name} {model.version} ({model.engine})",
        NOTICE,
    )
    line_px = round(1.5 * text_px)
    page = Image.new("RGB", (width, height + line_px * len(lines) + text_px), "black")
    page.paste(overlay.convert("RGB"))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(text_px)
    for number, line in enumerate(lines):
        draw.text((text_px, height + text_px // 2 + number * line_px), line, fill="white", font=font)
    return page
