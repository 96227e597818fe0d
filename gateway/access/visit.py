"""What is known of a request before its body is read."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Scope

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, 9.2.1
NEIGHBOURS = 64  # bits of an IPv6 address that its network gives; the rest a single machine chooses as it likes


@dataclass(frozen=True)
class Visit:
    """One request: how, where to, from which address, and whether over TLS."""

    method: str
    path: str
    headers: Headers
    address: str
    secure: bool

    @classmethod
    def of(cls, scope: Scope) -> Visit:
        """Of an ASGI connection; behind a trusted proxy the server has put its visitor's address and scheme there."""
        client = scope.get("client")
        return cls(
            method=scope.get("method", "GET"),
            path=scope["path"],
            headers=Headers(scope=scope),
            address=network_of(client[0]) if client else "",
            secure=scope.get("scheme") in ("https", "wss"),
        )

    @property
    def is_safe(self) -> bool:
        """Whether it asks for nothing but an answer."""
        return self.method in SAFE_METHODS

    @property
    def is_of_a_browser(self) -> bool:
        """Whether a person opens a page, so that a page is the right answer."""
        return self.is_safe and "text/html" in self.headers.get("accept", "") and not self.path.startswith("/v1/")


def network_of(address: str) -> str:
    """What one visitor cannot change at will: an IPv4 address, an IPv6 network."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found) >> (128 - NEIGHBOURS) << (128 - NEIGHBOURS), NEIGHBOURS)))
