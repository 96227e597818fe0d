"""A copy of Redis' folder and of the films, taken while work goes on, is enough to go on elsewhere."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from cxr.schemas import Chunk, Finding, JobState, ModelIdentity, Prediction, QueueName
from tests.files import grey_ramp, png
from tests.stack import Stack, wait_until

MODEL = ModelIdentity(name="pneumonia_classifier", version=1, engine="openvino")
JUDGED = Prediction(finding=Finding.NO_PNEUMONIA, probability=0.1, ood_score=0.1, heatmap=[[0.0]], model=MODEL)


def answer(stack: Stack, chunk: Chunk) -> None:
    lease = stack.leases.claim(chunk)
    assert lease is not None
    stack.leases.record(lease.chunk, dict.fromkeys(lease.waiting, JUDGED), lease.token, lease.waiting)


def test_a_job_half_answered_is_restored_and_finished(tmp_path: Path) -> None:
    films = [png(grey_ramp(100, 100 + number)) for number in range(4)]
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    stack = Stack(here, CXR_CHUNK_SIZE="2", CXR_LEASE_S="1")
    try:
        stack.start("redis")
        job_id = stack.submit(films, QueueName.BATCH)
        answer(stack, Chunk(job_id, 0, 1))
        assert stack.leases.claim(Chunk(job_id, 2, 3)), "in hand at the time of the copy"
        redis = stack.ledger.redis
        redis.config_set("auto-aof-rewrite-percentage", 0)
        redis.bgrewriteaof()
        wait_until(lambda: not redis.info("persistence")["aof_rewrite_in_progress"], 30, "the log to be rewritten")
        # The ledger first: a film too many does no harm, a film too few would.
        shutil.copytree(here / "redis", there / "redis")
        redis.config_set("auto-aof-rewrite-percentage", 100)
        shutil.copytree(here / "blobs", there / "blobs")
        stack.submit([png()], QueueName.BATCH)  # what came after the copy is not in it
    finally:
        stack.close()
    restored = Stack(there, CXR_CHUNK_SIZE="2", CXR_LEASE_S="1")
    try:
        restored.start("redis")
        [job] = restored.jobs.recent()
        assert (job.id, job.state, job.answered) == (job_id, JobState.RUNNING, 2)
        assert [restored.blobs.get(hashlib.sha256(film).hexdigest()) for film in films] == films
        wait_until(lambda: restored.leases.overdue(between_looks_s=0), 30, "the lost lease to run out")
        for index in (2, 3):
            answer(restored, Chunk(job_id, index, index))
        assert restored.jobs.job(job_id).state is JobState.DONE
    finally:
        restored.close()
