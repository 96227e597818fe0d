"""How much one peer may send before anybody has looked at it: the library itself takes whatever comes."""

from __future__ import annotations

from typing import cast

from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.transport import AssociationSocket

from cxr.telemetry import logger

log = logger("gateway.dicom")

SPARE_BYTES = 64 * 1024  # headers, and requests for an association with many contexts
COMMAND = 0x01  # PS3.8 annex E.2, message control header: part of a command, not of an object
INVALID_PDU = "Evt19"  # the upper layer's own event for it: the association is aborted (PS3.8 9.2.1)


def bound_association(association: Association, max_pdu_bytes: int, max_object_bytes: int) -> None:
    """End an association whose peer sends a longer PDU than was agreed on, or an object beyond all bounds.

    An object only a little too large is received and refused with its code; past ``2 * max_object_bytes`` nothing more
    is kept in memory.
    """
    socket = cast(AssociationSocket, association.dul.socket)
    receive = socket.recv

    def bounded(nr_bytes: int) -> bytearray:
        if nr_bytes > max_pdu_bytes + SPARE_BYTES:
            log.warning("dicom_pdu_too_long", bytes=nr_bytes)
            raise OSError("a longer PDU than was agreed on")
        return receive(nr_bytes)

    socket.recv = bounded  # type: ignore[method-assign]
    received = 0

    def count(event: evt.Event) -> None:
        nonlocal received
        if not isinstance(event.pdu, P_DATA_TF):
            return
        for item in event.pdu.presentation_data_value_items:
            value = item.presentation_data_value or bytes(1)
            received = 0 if value[0] & COMMAND else received + len(value) - 1
        if received > 2 * max_object_bytes:
            log.warning("dicom_object_too_large", bytes=received)
            association.dul.event_queue.put(INVALID_PDU)

    association.bind(evt.EVT_PDU_RECV, count)
