"""The DICOM door: a storage SCP beside HTTP, whose films become jobs and whose results go back (PS3.4 annex B).

It is a process of its own (``python -m gateway dicom``): other peers, another rule of who may come in, threads that
each hold a whole film, and a restart that must not cut off uploads over HTTP.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from threading import Event, Lock
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import _config, evt
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from cxr.errors import CxrError
from cxr.jobs import Ledger, Receptions, Returns
from cxr.settings import Settings
from cxr.telemetry import logger
from cxr.telemetry.dicom import DICOM_ASSOCIATIONS, DICOM_RECEIVED, DICOM_REJECTED
from cxr.telemetry.metrics import Reading
from cxr.telemetry.refusals import images_refused
from gateway.auth import Caller, Scope
from gateway.dicom.accepted import STORAGE_CLASSES, SYNTAXES
from gateway.dicom.bounds import bound_association
from gateway.dicom.peers import Peer, node, peers, refuse_open_door
from gateway.dicom.reception import Desk, Reception, submit_silent
from gateway.dicom.results import DicomResults
from gateway.dicom.sending import Sender
from gateway.dicom.statuses import SUCCESS, status_of
from gateway.parts import Parts

log = logger("gateway.dicom")

SILENT_IDLES = 1.5  # idle times without a film after which nobody receives a job any more
BETWEEN_LOOKS_S = 2.0
MAX_PDU_BYTES = 128 * 1024
# PS3.8 table 9-21: rejected permanently, by the service user, calling AE title not recognised.
CALLER_NOT_RECOGNISED = 0x01, 0x01, 0x03


class Door:
    """Receives until it is closed. Raises ``SettingsRefused`` for peers, a node or an address that cannot be."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self._settings = settings
        self._peers: tuple[Peer, ...] = peers(settings.dicom_peers)
        refuse_open_door(settings.dicom_host, self._peers)
        ledger = Ledger(settings.redis_url)
        returns, to = Returns(ledger), node(settings.dicom_return_to)
        self._owed = Returns(Ledger(settings.redis_url, patient=False)).owed
        self._desk = Desk(_parts_of(parts, settings.dicom_owner), Receptions(ledger), returns if to else None)
        self._sender = Sender(to, settings.dicom_ae_title, returns, DicomResults.by(self._desk.parts)) if to else None
        self._receptions: dict[Association, Reception] = {}
        self._lock = Lock()
        self._entity = self._application_entity()

    def run(self, until: Event) -> None:
        """Listen until the event comes; then no association is opened, and those that are open end with their film.

        Raises ``OSError`` when the port is taken.
        """
        quieten()
        address = self._settings.dicom_host, self._settings.dicom_port
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, self._connected),
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_REJECTED, lambda _: DICOM_REJECTED.inc()),
            (evt.EVT_ESTABLISHED, self._established),
            (evt.EVT_C_ECHO, lambda _: SUCCESS),
            (evt.EVT_C_STORE, self._store),
            *((kind, self._ended) for kind in (evt.EVT_RELEASED, evt.EVT_ABORTED, evt.EVT_CONN_CLOSE)),
        ]
        server = self._entity.start_server(address, block=False, evt_handlers=handlers)
        assert server is not None, "it does not block"
        log.info("dicom_door_open", port=address[1], ae_title=self._settings.dicom_ae_title)
        if self._sender:
            self._sender.start()
        while not until.wait(BETWEEN_LOOKS_S):
            submit_silent(self._desk, SILENT_IDLES * self._settings.dicom_idle_s)
        server.shutdown()
        self._entity.shutdown()
        for association in list(self._receptions):
            self._close(association)
        if self._sender:
            self._sender.stop()

    def gauges(self) -> Iterator[Reading]:
        """For Prometheus: what is owed to the node, read anew at each scrape; nothing while the ledger is away."""
        with suppress(CxrError):
            owed = self._owed() if self._desk.returns else 0
            yield Reading("cxr_dicom_returns_owed", "Jobs whose results are not all sent back yet.", owed)

    def _application_entity(self) -> ApplicationEntity:
        entity = ApplicationEntity(self._settings.dicom_ae_title)
        entity.require_called_aet = True
        entity.maximum_associations = self._settings.dicom_max_associations
        entity.maximum_pdu_size = MAX_PDU_BYTES
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = self._settings.dicom_idle_s
        entity.add_supported_context(Verification)
        for kind in STORAGE_CLASSES:
            entity.add_supported_context(kind, list(SYNTAXES))
        return entity

    def _connected(self, event: evt.Event) -> None:
        bound_association(event.assoc, MAX_PDU_BYTES, self._settings.max_file_bytes)

    def _requested(self, event: evt.Event) -> None:
        """Refuse who is not on the list; the library itself refuses who calls us by another name."""
        requestor = event.assoc.requestor
        title = requestor.primitive.calling_ae_title.strip() if requestor.primitive else ""
        address = str(requestor.address)
        if self._peers and not any(peer.is_at(title, address) for peer in self._peers):
            log.warning("dicom_peer_refused", ae_title=title, address=address)
            event.assoc.acse.send_reject(*CALLER_NOT_RECOGNISED)
            DICOM_REJECTED.inc()
            event.assoc.kill()

    def _established(self, event: evt.Event) -> None:
        title = event.assoc.requestor.ae_title.strip()
        desk = replace(self._desk, parts=_parts_of(self._desk.parts, self._settings.dicom_owner, title))
        with self._lock:
            self._receptions[event.assoc] = Reception(desk)
            DICOM_ASSOCIATIONS.set(len(self._receptions))

    def _store(self, event: evt.Event) -> int | Dataset:
        """Success means that the film is on disk and in the ledger."""
        reception = self._receptions.get(event.assoc) or Reception(self._desk)
        try:
            reception.store(event.encoded_dataset())
        except CxrError as error:
            if not error.retryable:
                images_refused({error.code: 1})
            DICOM_RECEIVED.labels(error.code).inc()
            log.warning("film_not_taken", code=error.code)
            return status_of(error)
        except Exception as error:  # noqa: BLE001  (the sender must hear of it; the library would hide it)
            log.error("unforeseen_error", error=type(error).__name__)
            DICOM_RECEIVED.labels(CxrError.code).inc()
            return status_of(CxrError())
        DICOM_RECEIVED.labels("stored").inc()
        return SUCCESS

    def _ended(self, event: evt.Event) -> None:
        self._close(event.assoc)

    def _close(self, association: Association) -> None:
        with self._lock:
            reception = self._receptions.pop(association, None)
            DICOM_ASSOCIATIONS.set(len(self._receptions))
        if reception:
            reception.close()


def _parts_of(parts: Parts, owner: str, name: str = "") -> Parts:
    """The gateway's parts as the DICOM door's owner uses them; ``name`` is the sender's AE title, for the record."""
    return parts.seen_by(Caller(owner, frozenset({Scope.SUBMIT, Scope.READ}), name))


def quieten() -> None:
    """The library's own log lines name instances, which are identities."""
    _config.LOG_HANDLER_LEVEL = "none"
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
