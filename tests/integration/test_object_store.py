"""The whole stack with its image bytes in an object store."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.files import jpeg, png
from tests.object_store import Bucket
from tests.stack import Stack, wait_until


def test_films_are_judged_from_an_object_store_and_leave_it(tmp_path: Path, bucket: Bucket) -> None:
    stack = Stack(tmp_path, CXR_BLOBS_URL=bucket.url, **bucket.environment)
    try:
        stack.start("redis", "triton", "worker", "gateway")
        with httpx.Client(base_url=stack.gateway_url, timeout=60) as client:
            files = [("files", (f"film-{number}", film)) for number, film in enumerate((png(), jpeg(), png()))]
            job_id = client.post("/v1/jobs", files=files).raise_for_status().json()["id"]
            wait_until(lambda: stack.jobs.job(job_id).state.final, 60, "the job to be done")
            rows = client.get(f"/v1/jobs/{job_id}/results").json()["results"]
            assert [row["result"]["model"] is not None for row in rows] == [True] * 3
            assert len(bucket.names()) == 3  # identical bytes once, and the id of the installation
            assert not stack.settings.blobs_dir.exists()
            client.delete(f"/v1/jobs/{job_id}").raise_for_status()
        assert bucket.names() == ["installation"]
    finally:
        stack.close()
