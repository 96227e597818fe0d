"""``python -m bench.delay LISTEN_PORT TARGET_PORT MS``: loopback, made as far away as another building.

What comes in goes out ``MS`` milliseconds later, in each direction, however much it is: distance, not a narrow line.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

AT_ONCE = 1024**2


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    """Hand on what comes, each piece ``delay_s`` after it came."""
    loop = asyncio.get_running_loop()
    on_its_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def take() -> None:
        while piece := await reader.read(AT_ONCE):
            on_its_way.put_nowait((loop.time() + delay_s, piece))
        on_its_way.put_nowait((loop.time() + delay_s, b""))

    taking = asyncio.create_task(take())
    try:
        while True:
            due, piece = await on_its_way.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                return
            writer.write(piece)
            await writer.drain()
    except OSError:
        return
    finally:
        taking.cancel()
        with suppress(OSError, asyncio.CancelledError):
            await taking
        writer.close()


async def serve(listen_port: int, target_port: int, delay_s: float) -> None:
    """Until the process is ended."""

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", target_port)
        await asyncio.gather(carry(reader, there_writer, delay_s), carry(there_reader, writer, delay_s))

    server = await asyncio.start_server(connect, "127.0.0.1", listen_port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
