"""The same with asyncio, every film a job of its own, all at once: python judge_async.py FILM...

Progress comes as server-sent events, findings as a stream of lines. CXR_GATEWAY_URL says where the gateway is,
CXR_API_KEY is your key. Needs httpx.
"""

import asyncio
import json
import os
import sys
import uuid
from pathlib import Path

import httpx

URL = os.environ.get("CXR_GATEWAY_URL", "http://127.0.0.1:7860")
KEY = os.environ.get("CXR_API_KEY", "")
AT_ONCE = 8


async def submit(client: httpx.AsyncClient, path: Path) -> str:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    while True:
        answer = await client.post("/v1/jobs", files={"files": (path.name, path.read_bytes())}, headers=headers)
        if answer.status_code not in (429, 503):
            return str(answer.raise_for_status().json()["id"])
        await asyncio.sleep(int(answer.headers["Retry-After"]))


async def wait(client: httpx.AsyncClient, job_id: str) -> None:
    """The stream of events ends when the job is final; where it breaks off before, it is followed again."""
    event = ""
    while event not in ("done", "cancelled"):
        async with client.stream("GET", f"/v1/jobs/{job_id}/events") as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")


async def judge(client: httpx.AsyncClient, path: Path, seats: asyncio.Semaphore) -> None:
    async with seats:
        job_id = await submit(client, path)
        await wait(client, job_id)
        async with client.stream("GET", f"/v1/jobs/{job_id}/results", params={"format": "ndjson"}) as stream:
            async for line in stream.aiter_lines():
                row = json.loads(line)
                result = row["result"]
                said = result.get("finding") or f"refused, {result['code']}: {result['message']}"
                print(f"{row['image']['name']}: {said}")


async def main() -> None:
    headers = {"Authorization": f"Bearer {KEY}"} if KEY else {}
    seats = asyncio.Semaphore(AT_ONCE)
    async with httpx.AsyncClient(base_url=URL, headers=headers, timeout=60) as client:
        await asyncio.gather(*(judge(client, Path(name), seats) for name in sys.argv[1:]))


if __name__ == "__main__":
    asyncio.run(main())
