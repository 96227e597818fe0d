"""The instance that a film came as, as far as results must name it; everything about the patient is empty.

UIDs of results are made from the job and the image, so that a result sent twice is one instance to its receiver.
"""

from __future__ import annotations

import hashlib

from pydicom.dataset import Dataset
from pydicom.uid import UID

from cxr.schemas import InstanceReference

MANUFACTURER = "PneumoServe"
NOTICE = "Research and demonstration; not a medical device."
# Type 2 attributes of the patient and general study modules (PS3.3 C.7.1.1, C.7.2.1): present, and empty.
LEFT_EMPTY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
)


def original(reference: InstanceReference) -> Dataset:
    """A data set that names the instance, for highdicom to refer to."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = reference.sop_class_uid, reference.instance_uid
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = reference.series_uid, reference.study_uid
    for name in LEFT_EMPTY:
        setattr(dataset, name, "")
    return dataset


def result_uid(*names: object) -> UID:
    """A UID that the same names always give (PS3.5 B.2: 2.25 and 128 bits)."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:16], 'big')}")
