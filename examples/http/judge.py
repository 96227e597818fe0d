"""Films in, findings out, over HTTP: python judge.py FILM...

CXR_GATEWAY_URL says where the gateway is, CXR_API_KEY is your key. Needs httpx.
"""

import os
import sys
import time
import uuid
from pathlib import Path

import httpx

URL = os.environ.get("CXR_GATEWAY_URL", "http://127.0.0.1:7860")
KEY = os.environ.get("CXR_API_KEY", "")


def submit(client: httpx.Client, paths: list[Path]) -> str:
    """Submit films as one job and return its id. Sent again with its idempotency key, it is the same job."""
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    while True:
        files = [("files", (path.name, path.read_bytes())) for path in paths]
        try:
            answer = client.post("/v1/jobs", files=files, headers=headers)
        except httpx.TransportError:
            time.sleep(2)
            continue
        if answer.status_code not in (429, 503):
            break
        time.sleep(int(answer.headers["Retry-After"]))
    if answer.status_code != 202:
        raise SystemExit("refused: {code}: {detail}".format(**answer.json()))
    return str(answer.json()["id"])


def wait(client: httpx.Client, job_id: str) -> None:
    while client.get(f"/v1/jobs/{job_id}").raise_for_status().json()["state"] not in ("done", "cancelled"):
        time.sleep(0.5)


def main() -> None:
    headers = {"Authorization": f"Bearer {KEY}"} if KEY else {}
    with httpx.Client(base_url=URL, headers=headers, timeout=60) as client:
        job_id = submit(client, [Path(name) for name in sys.argv[1:]])
        wait(client, job_id)
        for row in client.get(f"/v1/jobs/{job_id}/results").raise_for_status().json()["results"]:
            name, result = row["image"]["name"], row["result"]
            if result["kind"] == "prediction":
                print(f"{name}: {result['finding']}, probability {result['probability']:.3f}")
            else:
                print(f"{name}: refused, {result['code']}: {result['message']}")


if __name__ == "__main__":
    main()
