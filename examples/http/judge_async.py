"""The same with asyncio, every film a job of its own, all at once: python judge_async.py FILM...

Progress comes as server-sent events, findings as a stream of lines. CXR_GATEWAY_URL says where the gateway is,
CXR_API_KEY is your key. Needs httpx.
"""

import asyncio
import json
import os
import sys
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

URL = os.environ.get("CXR_GATEWAY_URL", "http://127.0.0.1:7860")
KEY = os.environ.get("CXR_API_KEY", "")
AT_ONCE = 8
TRIES, PAUSE_S = 10, 2.0


class Refused(Exception):
    """The gateway's code and detail; of what stands before it the status alone."""


class NotNow(Refused):
    """Busy or away: worth asking again in ``pause_s``."""

    def __init__(self, said: str, pause_s: float) -> None:
        super().__init__(said)
        self.pause_s = pause_s


async def check(answer: httpx.Response) -> None:
    """Raise what a refusal says."""
    if answer.is_success:
        return
    await answer.aread()
    is_ours = answer.headers.get("Content-Type") == "application/problem+json"
    said = "{code}: {detail}".format(**answer.json()) if is_ours else f"HTTP {answer.status_code}"
    if answer.status_code in (429, 502, 503, 504):
        raise NotNow(said, float(answer.headers.get("Retry-After", PAUSE_S)))
    raise Refused(said)


async def patiently(attempt: Callable[[], Awaitable[Any]]) -> Any:
    """What the attempt gives; it is made again while the gateway is busy or away, ``TRIES`` times in all."""
    for tries_left in reversed(range(TRIES)):
        try:
            return await attempt()
        except httpx.TransportError as error:
            wait = NotNow(f"no connection to {URL}: {error or type(error).__name__}", PAUSE_S)
        except NotNow as busy:
            wait = busy
        if tries_left:
            await asyncio.sleep(wait.pause_s)
    raise wait


async def submit(client: httpx.AsyncClient, path: Path) -> str:
    content, headers = path.read_bytes(), {"Idempotency-Key": str(uuid.uuid4())}

    async def attempt() -> str:
        answer = await client.post("/v1/jobs", files={"files": (path.name, content)}, headers=headers)
        await check(answer)
        return str(answer.json()["id"])

    return str(await patiently(attempt))


async def wait(client: httpx.AsyncClient, job_id: str) -> None:
    """The stream of events ends when the job is final; where it breaks off before, it is followed again."""
    event = ""

    async def attempt() -> None:
        nonlocal event
        async with client.stream("GET", f"/v1/jobs/{job_id}/events") as stream:
            await check(stream)
            async for line in stream.aiter_lines():
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")

    while event not in ("done", "cancelled", "gone"):
        await patiently(attempt)


async def read(client: httpx.AsyncClient, job_id: str) -> list[dict[str, Any]]:
    """All rows; where the stream breaks off, it goes on from the row after the last."""
    rows: list[dict[str, Any]] = []

    async def attempt() -> None:
        query = {"format": "ndjson", "offset": len(rows)}
        async with client.stream("GET", f"/v1/jobs/{job_id}/results", params=query) as stream:
            await check(stream)
            async for line in stream.aiter_lines():
                rows.append(json.loads(line))

    await patiently(attempt)
    return rows


def said_of(result: dict[str, Any] | None) -> str:
    if result is None:
        return "not judged: the job was cancelled"
    return result.get("finding") or f"refused, {result['code']}: {result['message']}"


async def judge(client: httpx.AsyncClient, path: Path, seats: asyncio.Semaphore) -> bool:
    """Print what is said of a film; whether it could be asked."""
    async with seats:
        try:
            job_id = await submit(client, path)
            await wait(client, job_id)
            for row in await read(client, job_id):
                print(f"{row['image']['name']}: {said_of(row['result'])}")
        except (Refused, OSError) as error:
            print(f"{path}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
            return False
    return True


async def main() -> int:
    if not sys.argv[1:]:
        print("usage: python judge_async.py FILM...", file=sys.stderr)
        return 2
    headers = {"Authorization": f"Bearer {KEY}"} if KEY else {}
    seats = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(base_url=URL, headers=headers, timeout=60) as client:
        judged = await asyncio.gather(*(judge(client, Path(name), seats) for name in sys.argv[1:]))
    return 0 if all(judged) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
