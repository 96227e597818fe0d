"""Films in, findings out, over HTTP: python judge.py FILM...

CXR_GATEWAY_URL says where the gateway is, CXR_API_KEY is your key. Needs httpx.
"""

import os
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

URL = os.environ.get("CXR_GATEWAY_URL", "http://127.0.0.1:7860")
KEY = os.environ.get("CXR_API_KEY", "")
TRIES, PAUSE_S = 10, 2.0


def ask(client: httpx.Client, method: str, path: str, **request: Any) -> httpx.Response:
    """The answer to a request, which is sent again while the gateway is busy or away: ``TRIES`` times in all."""
    for tries_left in reversed(range(TRIES)):
        pause_s = PAUSE_S
        try:
            answer = client.request(method, path, **request)
        except httpx.TransportError as error:
            said = f"no connection to {URL}: {error or type(error).__name__}"
        else:
            if answer.is_success:
                return answer
            said = refusal(answer)
            if answer.status_code not in (429, 502, 503, 504):
                break
            pause_s = float(answer.headers.get("Retry-After", PAUSE_S))
        if tries_left:
            print(f"{said}; again in {pause_s:.0f} s", file=sys.stderr)
            time.sleep(pause_s)
    raise SystemExit(said)


def refusal(answer: httpx.Response) -> str:
    """Code and detail; of what stands before the gateway the status alone."""
    is_ours = answer.headers.get("Content-Type") == "application/problem+json"
    return "refused: {code}: {detail}".format(**answer.json()) if is_ours else f"refused: HTTP {answer.status_code}"


def submit(client: httpx.Client, paths: list[Path]) -> str:
    """Submit films as one job and return its id. Sent again with its idempotency key, it is the same job."""
    files = [("files", (path.name, path.read_bytes())) for path in paths]
    return str(
        ask(client, "POST", "/v1/jobs", files=files, headers={"Idempotency-Key": str(uuid.uuid4())}).json()["id"]
    )


def wait(client: httpx.Client, job_id: str) -> None:
    while ask(client, "GET", f"/v1/jobs/{job_id}").json()["state"] not in ("done", "cancelled"):
        time.sleep(0.5)


def rows(client: httpx.Client, job_id: str) -> Iterator[dict[str, Any]]:
    """All rows of a job, page by page."""
    offset: int | None = 0
    while offset is not None:
        page = ask(client, "GET", f"/v1/jobs/{job_id}/results", params={"offset": offset}).json()
        yield from page["results"]
        offset = page["next_offset"]


def said_of(result: dict[str, Any] | None) -> str:
    if result is None:
        return "not judged: the job was cancelled"
    if result["kind"] == "prediction":
        return f"{result['finding']}, probability {result['probability']:.3f}"
    return f"refused, {result['code']}: {result['message']}"


def main() -> None:
    if not sys.argv[1:]:
        print("usage: python judge.py FILM...", file=sys.stderr)
        raise SystemExit(2)
    headers = {"Authorization": f"Bearer {KEY}"} if KEY else {}
    with httpx.Client(base_url=URL, headers=headers, timeout=60) as client:
        try:
            job_id = submit(client, [Path(name) for name in sys.argv[1:]])
        except OSError as error:
            raise SystemExit(f"{error.filename}: {error.strerror}") from None
        wait(client, job_id)
        for row in rows(client, job_id):
            print(f"{row['image']['name']}: {said_of(row['result'])}")


if __name__ == "__main__":
    main()
