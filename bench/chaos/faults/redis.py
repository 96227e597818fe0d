"""Redis is killed, paused, full, or cuts its connections."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

import httpx

from bench.chaos.faults import Fault
from bench.chaos.faults.gateway import upload
from bench.chaos.measurement import recorded, state_of
from bench.chaos.trial import Trial
from cxr.errors import CxrError
from cxr.jobs.ledger import redis_errors

PAUSE_S = 10.0
FULL_S = 25.0  # longer than a worker keeps its answers for a Redis that is away, and than anything retries


def kill(trial: Trial) -> str:
    """SIGKILL Redis, and start it on its append-only file."""
    trial.submit()
    for _ in trial.strikes(3):
        trial.stack.stop("redis", signal.SIGKILL)
        trial.stack.start("redis")
    return "3 kills"


def pause(trial: Trial) -> str:
    """Redis does nothing for ten seconds."""
    trial.submit()
    for _ in trial.strikes(2):
        os.kill(trial.stack.pid("redis"), signal.SIGSTOP)
        time.sleep(PAUSE_S)
        trial.struck(state_of(trial.stack.pid("redis")) == "T", "Redis was not paused")
        os.kill(trial.stack.pid("redis"), signal.SIGCONT)
    return f"2 times {PAUSE_S:.0f} s; recovery includes the pause"


def full(trial: Trial) -> str:
    """Redis reaches its memory limit while uploads come in and workers record."""
    trial.stack.start("gateway")
    trial.submit()
    answers = []
    for _ in trial.strikes(2):
        trial.stack.ledger.redis.config_set("maxmemory", 1)
        until = time.monotonic() + FULL_S
        with httpx.Client(base_url=trial.stack.gateway_url, timeout=30) as client:
            for _ in range(10):
                answers.append(upload(trial, client, 5))
                time.sleep(0.5)
        time.sleep(max(0.0, until - time.monotonic()))
        trial.stack.ledger.redis.config_set("maxmemory", 0)
    known = {job.id for job in trial.stack.jobs.recent(10_000)}
    half = len(known - set(trial.job_ids))
    refused = [status for status in answers if status != 202]
    trial.struck(len(refused) > 0, "every upload was accepted although Redis had no memory left")
    trial.struck(recorded(trial.folder)["answers_not_recorded"] > 0, "no worker met the limit")
    uploads = f"{len(answers)} uploads meanwhile: {len(refused)} answered {sorted(set(refused))}, {half} half accepted"
    return f"2 times {FULL_S:.0f} s; {uploads}"


def drop_connections(trial: Trial) -> str:
    """Every client's connection is cut, again and again."""
    trial.submit()
    cut = 0
    for _ in trial.strikes(3):
        for _ in range(10):
            with suppress(CxrError), redis_errors():
                cut += int(
                    trial.stack.ledger.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                )
            time.sleep(trial.dice.uniform(0.05, 0.5))
    trial.struck(cut > 0, "no connection was cut")
    return f"{cut} connections cut"


FAULTS = {
    "kill-redis": Fault("SIGKILL Redis, restart on its AOF", kill),
    "pause-redis": Fault("Redis paused for 10 s", pause),
    "full-redis": Fault("Redis at its memory limit", full),
    "drop-connections": Fault("Connections to Redis dropped under load", drop_connections),
}
