"""What the DICOM door counts."""

from __future__ import annotations

from cxr.telemetry.metrics import counter, gauge

DICOM_RECEIVED = counter(
    "cxr_dicom_received", "C-STORE requests by outcome: stored, or the code of the refusal.", "outcome"
)
DICOM_REJECTED = counter("cxr_dicom_associations_rejected", "Associations that were refused.")
DICOM_ASSOCIATIONS = gauge("cxr_dicom_associations", "Associations that are open.")
DICOM_RETURNED = counter(
    "cxr_dicom_returned", "Result objects sent back by outcome: taken, refused, unmade.", "outcome"
)
DICOM_RETURN_FAILURES = counter(
    "cxr_dicom_return_failures", "Attempts to send a job's results back that did not get all of them through."
)
