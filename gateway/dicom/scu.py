"""One association with the node that results go to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.sop_class import EnhancedSRStorage, SecondaryCaptureImageStorage  # type: ignore[attr-defined]

from cxr.errors import NodeUnavailable
from gateway.dicom.peers import Node
from gateway.dicom.statuses import is_taken

TIMEOUT_S = 30.0


@contextmanager
def association_with(node: Node, ae_title: str) -> Iterator[Association]:
    """An open association, released at the end. Raises ``NodeUnavailable``."""
    entity = ApplicationEntity(ae_title)
    entity.connection_timeout = entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = TIMEOUT_S
    for kind in (EnhancedSRStorage, SecondaryCaptureImageStorage):
        entity.add_requested_context(kind, [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
    association = entity.associate(node.host, node.port, ae_title=node.title)
    if not association.is_established:
        raise NodeUnavailable("it refused the association" if association.is_rejected else "it does not answer")
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def refusal(association: Association, result: Dataset) -> str | None:
    """Send one result; None when the node has taken it, else what it said. Raises ``NodeUnavailable``: it is gone."""
    try:
        status = association.send_c_store(result).get("Status")
    except ValueError:  # pynetdicom's word for: none of the accepted contexts carries this
        return "kind of object not accepted"
    except RuntimeError as error:
        raise NodeUnavailable("it ended the association") from error
    if status is None:
        raise NodeUnavailable("it fell silent")
    return None if is_taken(int(status)) else f"status {int(status):04X}"
