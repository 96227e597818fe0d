"""How a box and its attendant talk: length-prefixed messages over a socket pair.

Nothing is pickled: what comes out of a box was made beside hostile bytes and is only ever read as numbers and words.
"""

from __future__ import annotations

import socket
import struct
import time
from enum import IntEnum

HEADER = struct.Struct(">BQ")  # kind of message, length of its content in bytes
# Answers are tensors of 50 kB and single words; whatever claims to be longer is not an answer.
MAX_ANSWER_BYTES = 1024**2
MAX_REFUSAL_BYTES = 300


class Kind(IntEnum):
    """What a message is."""

    READY = 1  # box: has started; no content
    FILE = 2  # attendant: a file to decode
    FILM = 3  # box: [1, 224, 224] uint8, row by row, then the codes of its notes, commas between them
    REFUSED = 4  # box: an error's code, a NUL, its detail, in UTF-8
    FAULT = 5  # box: the name of an exception nobody foresaw; the box ends after it


def send(connection: socket.socket, kind: Kind, content: bytes, deadline: float | None = None) -> None:
    """Send one message. Raises ``TimeoutError`` past ``deadline`` (of ``time.monotonic``), ``OSError`` when cut off."""
    connection.settimeout(_left_s(deadline))
    if len(content) < 65_536:
        connection.sendall(HEADER.pack(kind, len(content)) + content)
    else:
        connection.sendall(HEADER.pack(kind, len(content)))
        connection.settimeout(_left_s(deadline))
        connection.sendall(content)


def receive(
    connection: socket.socket, deadline: float | None = None, at_most_bytes: int | None = None
) -> tuple[Kind, bytes]:
    """Wait for one message.

    Raises ``EOFError`` when the other side is gone, ``TimeoutError`` past ``deadline``, ``ValueError`` when what came
    is not a message.
    """
    kind, length = HEADER.unpack(_read(connection, HEADER.size, deadline))
    if at_most_bytes is not None and length > at_most_bytes:
        raise ValueError(f"a message of {length} bytes")
    return Kind(kind), _read(connection, length, deadline)


def _read(connection: socket.socket, size: int, deadline: float | None) -> bytes:
    """All of it. Without a deadline the kernel waits until all is there: no waking up for every piece, and no copy."""
    parts: list[bytes] = []
    while left := size - sum(map(len, parts)):
        connection.settimeout(_left_s(deadline))
        parts.append(connection.recv(left, socket.MSG_WAITALL))
        if not parts[-1]:
            raise EOFError
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _left_s(deadline: float | None) -> float | None:
    """Seconds until ``deadline``; never 0, which would mean not to wait at all."""
    return None if deadline is None else max(deadline - time.monotonic(), 0.001)
