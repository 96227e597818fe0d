"""Messages come twice, and two workers hold one chunk."""

from __future__ import annotations

from bench.chaos.faults import Fault
from bench.chaos.trial import Trial
from cxr.jobs.ledger import HELD
from cxr.schemas import Chunk, QueueName


def twice(trial: Trial) -> str:
    """Every message is sent again; and leases are taken away in mid-work, so that another worker claims the chunk."""
    trial.submit()
    redis, size, doubled, taken = trial.stack.ledger.redis, trial.stack.settings.chunk_size, 0, 0
    for job_id in trial.job_ids:
        total = trial.stack.jobs.job(job_id).total
        chunks = [Chunk(job_id, first, min(first + size, total) - 1) for first in range(0, total, size)]
        trial.stack.queue.enqueue(QueueName.BATCH, chunks)
        doubled += len(chunks)
    for _ in trial.strikes(5):
        for text in redis.zrange(HELD, 0, -1):
            if redis.delete(f"cxr:lease:{text}"):
                trial.stack.queue.enqueue(QueueName.INTERACTIVE, [Chunk.parse(str(text))])
                taken += 1
    trial.struck(taken > 0, "no chunk was claimed again while in hand")
    return f"{doubled} messages sent twice, {taken} chunks claimed again while in hand"


FAULTS = {"twice": Fault("Every message delivered twice; two workers hold one chunk", twice)}
