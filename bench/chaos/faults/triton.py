"""The model server is killed, slow, or without its model."""

from __future__ import annotations

import os
import signal
import time

import tritonclient.grpc as triton

from bench.chaos.faults import Fault
from bench.chaos.measurement import recorded, state_of
from bench.chaos.trial import Trial

PAUSE_S = 10.0
MOST_IN_FLIGHT = 2 * 2 * 64  # answers that two workers with two chunks each may still have to write


def kill(trial: Trial) -> str:
    """SIGKILL Triton with its backend, and start it again."""
    trial.submit()
    for _ in trial.strikes(3):
        trial.stack.stop("triton", signal.SIGKILL)
        trial.stack.start("triton")
    return "3 kills; recovery includes starting Triton"


def slow(trial: Trial) -> str:
    """Stop and continue Triton every quarter of a second for a while, then hold it for ten seconds."""
    trial.submit()
    group, seen = trial.stack.pid("triton"), list[int]()
    for _ in trial.strikes(2):
        before = trial.watch.answered
        for _ in range(20):
            _held(trial, group, 0.25)
            time.sleep(0.05)
        slowly = trial.watch.answered - before
        before = trial.watch.answered
        _held(trial, group, PAUSE_S)
        trial.struck(trial.watch.answered - before <= MOST_IN_FLIGHT, "answers came although Triton was held")
        seen.append(slowly)
    return f"2 times at a sixth of its speed for 6 s ({seen} images), then {PAUSE_S:.0f} s without an answer"


def refusing(trial: Trial) -> str:
    """Unload the model, load it again later."""
    trial.submit()
    name = trial.stack.settings.model_name
    with triton.InferenceServerClient(trial.stack.settings.triton_url) as client:
        for _ in trial.strikes(2):
            client.unload_model(name)
            time.sleep(PAUSE_S)
            trial.struck(not client.is_model_ready(name), "the model was still served")
            client.load_model(name)
    trial.struck(recorded(trial.folder)["model_away"] > 0, "no worker noticed")
    return f"2 times, model unloaded for {PAUSE_S:.0f} s"


def _held(trial: Trial, group: int, pause_s: float) -> None:
    os.killpg(group, signal.SIGSTOP)
    try:
        time.sleep(pause_s)
        trial.struck(state_of(group) == "T", "Triton was not held")
    finally:
        os.killpg(group, signal.SIGCONT)


FAULTS = {
    "kill-triton": Fault("SIGKILL Triton", kill),
    "slow-triton": Fault("Triton answers slowly, then not at all", slow),
    "refusing-triton": Fault("Triton refuses the model", refusing),
}
