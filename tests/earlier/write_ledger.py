"""Run under an earlier version of the code, against an empty Redis: leaves jobs in every state, prints them as JSON.

git archive COMMIT | tar -x -C /tmp/earlier
cd /tmp/earlier && CXR_REDIS_URL=redis://127.0.0.1:PORT/0 python CHECKOUT/tests/earlier/write_ledger.py > COMMIT.json
"""

from __future__ import annotations

import hashlib
import json
import os
import sys

sys.path.insert(0, os.getcwd())  # noqa: PTH109 - the earlier version's own packages

from cxr.jobs import AuditLog, JobStore, Leases, Ledger
from cxr.schemas import Chunk, Finding, JobImage, ModelIdentity, Prediction, QueueName, Rejection
from cxr.settings import Settings

MODEL = ModelIdentity(name="pneumonia_classifier", version=1, engine="openvino")
JUDGED = Prediction(
    finding=Finding.PNEUMONIA, probability=0.9, ood_score=0.1, heatmap=[[0.0, 2.0], [0.0, -1.0]], model=MODEL
)
BAD = Rejection(code="corrupt_image", message="The image file is damaged or incomplete.")


def image(name: str) -> JobImage:
    """A row; the test writes the bytes, which are the name."""
    return JobImage(name=f"{name}.png", sha256=hashlib.sha256(name.encode()).hexdigest(), size_bytes=len(name))


def main() -> None:
    settings = Settings(chunk_size=2, lease_s=3600)
    ledger = Ledger(settings.redis_url)
    jobs, leases = JobStore(ledger, settings), Leases(ledger, settings)
    made: dict[str, str] = {}

    def job(state: str, *names: str, submitted: bool = True) -> str:
        job_id = made[state] = jobs.create(QueueName.BATCH)
        jobs.append(job_id, [(image(name), None) for name in names])
        jobs.append(job_id, [(JobImage(name="bad.png", sha256=None, size_bytes=3), BAD)])
        if submitted:
            jobs.submit(job_id)
        return job_id

    def answer(job_id: str, first: int, last: int) -> None:
        lease = leases.claim(Chunk(job_id, first, last))
        assert lease is not None
        leases.record(lease.chunk, dict.fromkeys(lease.waiting, JUDGED), lease.token, lease.waiting)

    answer(job("done", "a"), 0, 1)
    running = job("running", "b", "c", "d", "e", "f")
    answer(running, 0, 1)
    leases.claim(Chunk(running, 2, 3))
    job("queued", "a", "g")
    job("receiving", "h", submitted=False)
    jobs.cancel(job("cancelled", "i"))
    poisoned = job("poisoned", "j")
    leases.set_aside(Chunk(poisoned, 0, 1), Rejection(code="poison_image", message="It was set aside."))
    AuditLog(ledger).add("anybody", "submitted", running, 6)
    print(
        json.dumps(
            {"jobs": made, "keys": {key: value(ledger.redis, key) for key in sorted(ledger.redis.keys("cxr:*"))}},
            indent=1,
        )
    )


def value(redis, key):  # type: ignore[no-untyped-def]
    kind = redis.type(key)
    read = {
        "string": redis.get,
        "hash": redis.hgetall,
        "list": lambda name: redis.lrange(name, 0, -1),
        "set": lambda name: sorted(redis.smembers(name)),
        "zset": lambda name: redis.zrange(name, 0, -1, withscores=True),
        "stream": lambda name: redis.xrange(name),
    }
    return [kind, read[kind](key)]


if __name__ == "__main__":
    main()
