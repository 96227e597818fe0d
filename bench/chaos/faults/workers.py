"""Workers die: killed from outside, between pop and acknowledgement, of an image."""

from __future__ import annotations

import hashlib
import signal

from bench.chaos.faults import MORTAL, Fault
from bench.chaos.films import film
from bench.chaos.trial import WORKERS, Trial
from cxr.schemas import Rejection
from tests.stack import wait_until

POISON_NUMBER = 10**9  # no other film has it
FATES = "fates"


def kill_one(trial: Trial) -> str:
    """SIGKILL one of two workers, and start it again."""
    trial.submit()
    for _ in trial.strikes(3):
        name = trial.dice.choice(WORKERS)
        trial.stack.stop(name, signal.SIGKILL)
        trial.stack.start(name)
    return "3 kills"


def kill_all(trial: Trial) -> str:
    """SIGKILL both workers at once, and start them again."""
    trial.submit()
    for _ in trial.strikes(3):
        for name in WORKERS:
            trial.stack.stop(name, signal.SIGKILL)
        trial.stack.start(*WORKERS)
    return "3 times; recovery includes starting the workers"


def die_between_pop_and_acknowledgement(trial: Trial) -> str:
    """A worker ends itself with a message in hand: before its chunk is claimed, or after its answers are written."""
    fates = trial.folder / FATES
    fates.mkdir()
    trial.supervise()
    trial.submit()
    told = [trial.dice.choice(("before", "after")) for _ in range(4)]
    for fate, _ in zip(told, trial.strikes(len(told)), strict=True):
        (fates / fate).touch()
        wait_until(lambda fate=fate: trial.done() or not (fates / fate).exists(), 120, "a worker to meet its fate")
        trial.struck(not (fates / fate).exists(), "the job was done before a worker met its fate")
    return f"{told.count('before')} before the claim, {told.count('after')} after the answers; times from the order"


def poison(trial: Trial) -> str:
    """One image in a thousand kills every worker that touches it."""
    fates = trial.folder / FATES
    fates.mkdir()
    trial.supervise()
    killers = []
    left = trial.images
    while left > 0:
        good = min(left, 1000)
        content = film(trial.seed, POISON_NUMBER + left)
        sha256 = hashlib.sha256(content).hexdigest()
        (fates / sha256).touch()
        place = trial.dice.randrange(good)
        films = trial.films(good)
        films.insert(place, content)
        killers.append((trial.submit_together(films), place))
        left -= good
    wait_until(trial.done, 1800, "the poisoned jobs to be done")
    return _judged(trial, killers)


def _judged(trial: Trial, killers: list[tuple[str, int]]) -> str:
    aside = set(trial.stack.jobs.set_aside())
    guilty = sum(
        isinstance(result := trial.stack.jobs.result(job_id, index).result, Rejection) and result.code == "poison_image"
        for job_id, index in killers
    )
    innocent = len(aside - set(killers))
    trial.struck(guilty == len(killers), f"{guilty} of {len(killers)} killers were set aside")
    return f"{guilty} of {len(killers)} killers set aside, {innocent} innocent images with them"


FAULTS = {
    "kill-worker": Fault("SIGKILL one of two workers", kill_one),
    "kill-workers": Fault("SIGKILL all workers", kill_all),
    "die-with-message": Fault(
        "A worker dies between pop and acknowledgement",
        die_between_pop_and_acknowledgement,
        MORTAL,
        {"CXR_CHAOS_FATES": FATES},
    ),
    "poison": Fault(
        "An image that kills its worker, among 1,000 good ones", poison, MORTAL, {"CXR_CHAOS_FATES": FATES}
    ),
}
