"""The gateway is killed while it takes films in: a job is accepted whole, or leaves nothing."""

from __future__ import annotations

import signal
import time
from threading import Event, Thread

import httpx

from bench.chaos.faults import Fault
from bench.chaos.trial import Trial
from cxr.blobs.folder import INSTALLATION
from cxr.custody import Custody
from cxr.jobs import AuditLog
from cxr.jobs.ledger import EXPIRING, NEEDS
from cxr.schemas import JobState
from tests.stack import wait_until
from tests.zips import zip_of

FILMS_PER_UPLOAD = 40


def upload(trial: Trial, client: httpx.Client, films: int) -> int:
    """Send one zip; follow the job when it is accepted. The HTTP status, 0 for a broken connection."""
    content = zip_of({f"{number}.png": one for number, one in enumerate(trial.films(films))}, method=0)
    try:
        answer = client.post("/v1/jobs", files=[("files", ("films.zip", content))])
    except httpx.TransportError:
        return 0
    if answer.status_code == 202:
        trial.follow(answer.json()["id"], films)
    return answer.status_code


def kill_during_uploads(trial: Trial) -> str:
    """Clients upload without pause while the gateway is killed and started again."""
    trial.stack.start("gateway")
    killed, statuses = Event(), list[int]()

    def send() -> None:
        with httpx.Client(base_url=trial.stack.gateway_url, timeout=60) as client:
            while not killed.is_set() or trial.accepted < trial.images:
                statuses.append(upload(trial, client, FILMS_PER_UPLOAD))
                time.sleep(0.2)

    clients = [Thread(target=send) for _ in range(2)]
    for client in clients:
        client.start()
    for _ in range(4):
        goal = len(statuses) + trial.dice.randint(2, 5)
        wait_until(lambda goal=goal: len(statuses) >= goal, 300, "uploads")
        time.sleep(trial.dice.uniform(0, 0.3))
        strike = trial.watch.strike()
        trial.stack.stop("gateway", signal.SIGKILL)
        trial.stack.start("gateway")
        strike.undone = True
    killed.set()
    for client in clients:
        client.join()
    trial.struck(statuses.count(0) > 0, "no upload was broken off")
    return f"4 kills; {len(statuses)} uploads, {statuses.count(0)} broken off or not begun: {_what_is_left(trial)}"


def _what_is_left(trial: Trial) -> str:
    """Say what became of uploads whose client heard nothing; those still in reception are let run out of time."""
    unheard = {job.id: job for job in trial.stack.jobs.recent(100_000) if job.id not in trial.job_ids}
    for job in unheard.values():
        if job.state is JobState.RECEIVING:
            trial.stack.ledger.redis.zadd(EXPIRING, {job.id: 1})
        else:
            trial.follow(job.id, job.total)
    abandoned = {job.id for job in unheard.values() if job.state is JobState.RECEIVING}
    wait_until(
        lambda: not abandoned & {job.id for job in trial.stack.jobs.recent(100_000)}, 60, "abandoned uploads to go"
    )
    wait_until(trial.done, 600, "every accepted job to be done")
    left = _unneeded_files(trial)
    custody = Custody(trial.stack.jobs, trial.stack.blobs, AuditLog(trial.stack.ledger))
    custody.tidy(older_than_s=0)
    custody.sweep(older_than_s=0)
    after = _unneeded_files(trial)
    return (
        f"{len(unheard) - len(abandoned)} accepted unheard and answered, {len(abandoned)} abandoned and forgotten,"
        f" {left} files left behind, {after} after the sweep"
    )


def _unneeded_files(trial: Trial) -> int:
    stored = sum(path.is_file() for path in trial.stack.settings.blobs_dir.rglob("*") if path.name != INSTALLATION)
    return stored - int(trial.stack.ledger.redis.hlen(NEEDS))


FAULTS = {"kill-gateway": Fault("SIGKILL the gateway during uploads", kill_during_uploads)}
