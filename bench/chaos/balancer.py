"""A load balancer in miniature: one address before several gateways, each of which can be taken out of turn.

It stands for what a Service and its Ingress do: connections go to the gateways in turn; one that is about to stop gets
no new ones, and is stopped when those it has are closed (Kubernetes: removed from the endpoints, ``preStop``).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from threading import Event, Lock, Thread

from tests.stack import free_port, wait_until

PIECE_BYTES = 65_536
DRAIN_TIMEOUT_S = 60.0


class Balancer:
    """Listens on ``port`` from its start to its end; TCP alone, nothing is read into what passes."""

    def __init__(self, ports: list[int]) -> None:
        self.port = free_port()
        self._in_turn, self._open, self._choosing = list(ports), Counter[int](), Lock()
        self._listens, self._loop = Event(), asyncio.new_event_loop()
        self._thread = Thread(target=self._run, name="balancer", daemon=True)

    def __enter__(self) -> Balancer:
        self._thread.start()
        self._listens.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def take_out(self, port: int) -> None:
        """Give this gateway no new connection, and return when it has none."""
        with self._choosing:
            self._in_turn.remove(port)
        wait_until(lambda: not self._open[port], DRAIN_TIMEOUT_S, "a gateway's connections to end")

    def put_back(self, port: int) -> None:
        with self._choosing:
            self._in_turn.append(port)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._pass_on, "127.0.0.1", self.port))
        self._listens.set()
        self._loop.run_forever()
        left = asyncio.all_tasks(self._loop)
        for connection in left:
            connection.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._choosing:
            port = self._in_turn.pop(0)
            self._in_turn.append(port)
            self._open[port] += 1
        try:
            theirs, ours = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_pipe(reader, ours), _pipe(theirs, writer))
        except OSError:
            pass  # the client sees a connection that breaks
        finally:
            writer.close()
            self._open[port] -= 1


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    with suppress(OSError):
        writer.close()
