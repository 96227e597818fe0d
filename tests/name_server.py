"""A name server on loopback that says which addresses a name has now."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from socketserver import BaseRequestHandler, UDPServer
from threading import Thread

A, IN = 1, 1  # RFC 1035, 3.2.2 and 3.2.4
KEPT_S = 600  # how long an answer may be kept, as Docker's name server says: gRPC asks again all the same
ANSWER, NAME_OF_THE_QUESTION = 0x8580, 0xC00C  # a reply with authority, no error; a pointer to byte 12


class NameServer(UDPServer):
    """Answers every question for IPv4 addresses with ``addresses``, others with nothing."""

    def __init__(self, addresses: Iterable[str] = ()) -> None:
        self.addresses = list(addresses)
        super().__init__(("127.0.0.1", 0), _Question)
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def target(self, port: int) -> str:
        """A name that gRPC asks this server about, in its own words."""
        return f"dns://127.0.0.1:{self.server_address[1]}/triton.test:{port}"

    def close(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Question(BaseRequestHandler):
    server: NameServer

    def handle(self) -> None:
        message, answer = self.request
        end = message.index(b"\0", 12) + 5  # the name, then two bytes of type and two of class
        (kind,) = struct.unpack("!H", message[end - 4 : end - 2])
        found = self.server.addresses if kind == A else []
        header = message[:2] + struct.pack("!HHHHH", ANSWER, 1, len(found), 0, 0)
        records = [
            struct.pack("!HHHIH", NAME_OF_THE_QUESTION, A, IN, KEPT_S, 4) + socket.inet_aton(address)
            for address in found
        ]
        answer.sendto(header + message[12:end] + b"".join(records), self.client_address)
