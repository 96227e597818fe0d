"""Who may send, and where results go, as the settings name them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address

from cxr.errors import SettingsRefused
from gateway.access.exposure import is_loopback

# PS3.5 6.2, AE: 1 to 16 characters of the default repertoire, without backslash; here also without what separates.
TITLE = re.compile(r"[!-?A-\[\]-~]{1,16}")


@dataclass(frozen=True)
class Peer:
    """An application entity that may send; with ``address``, only from there."""

    title: str
    address: str | None = None

    def is_at(self, title: str, address: str) -> bool:
        return title == self.title and self.address in (None, address)


@dataclass(frozen=True)
class Node:
    """An application entity that results are sent to."""

    title: str
    host: str
    port: int


def peers(text: str) -> tuple[Peer, ...]:
    """``PACS,MODALITY@10.0.0.5``. Raises ``SettingsRefused``."""
    found = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        title, _, address = word.partition("@")
        _refuse_bad_title(title, word)
        try:
            found.append(Peer(title, str(ip_address(address)) if address else None))
        except ValueError as error:
            raise SettingsRefused(f"CXR_DICOM_PEERS: {word} names no IP address") from error
    return tuple(found)


def node(text: str) -> Node | None:
    """``PACS@pacs.example.org:104``; None for an empty text. Raises ``SettingsRefused``."""
    if not text:
        return None
    title, _, place = text.partition("@")
    host, _, port = place.rpartition(":")
    _refuse_bad_title(title, text)
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingsRefused(f"CXR_DICOM_RETURN_TO: {text} is not TITLE@host:port")
    return Node(title, host.strip("[]"), int(port))


def refuse_open_door(host: str, allowed: tuple[Peer, ...]) -> None:
    """Beyond loopback only those who are named may send. Raises ``SettingsRefused``."""
    if not allowed and not is_loopback(host):
        raise SettingsRefused(f"CXR_DICOM_HOST={host} is beyond loopback, and CXR_DICOM_PEERS names nobody")


def _refuse_bad_title(title: str, word: str) -> None:
    if not TITLE.fullmatch(title):
        raise SettingsRefused(f"{word}: an AE title has 1 to 16 printable characters")
