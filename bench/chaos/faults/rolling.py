"""Everything is restarted, part by part, under a client that never pauses."""

from __future__ import annotations

import time
from collections import Counter
from threading import Event, Thread

import httpx

from bench.chaos.faults import Fault
from bench.chaos.trial import WORKERS, Trial

FILMS_PER_REQUEST = 10
PATIENCE_S = 120.0
PAUSE_S = 0.1
LEAST_ROUNDS = 2


class Client:
    """Submits films without pause; tries again what broke off or was said to be retryable."""

    def __init__(self, trial: Trial) -> None:
        self._trial, self._stop = trial, Event()
        self.seen: Counter[str] = Counter()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with httpx.Client(base_url=self._trial.stack.gateway_url, timeout=30) as client:
            while not self._stop.is_set():
                self._submit(client)
                time.sleep(PAUSE_S)

    def _submit(self, client: httpx.Client) -> None:
        self.seen["requests"] += 1
        files = [("files", (f"{n}.png", one)) for n, one in enumerate(self._trial.films(FILMS_PER_REQUEST))]
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                answer = client.post("/v1/jobs", files=files)
            except httpx.TransportError:
                self.seen["no connection"] += 1
                time.sleep(0.5)
                continue
            if answer.status_code == 202:
                self._trial.follow(answer.json()["id"], FILMS_PER_REQUEST)
                return
            self.seen[f"status {answer.status_code}"] += 1
            if not answer.json()["retryable"]:
                break
            time.sleep(min(float(answer.headers.get("Retry-After", 1)), 5))
        self.seen["failed for good"] += 1


def restart_everything(trial: Trial) -> str:
    """SIGTERM and start again: each worker, Triton, the gateway; until the films are all sent."""
    trial.stack.start("gateway")
    rounds = 0
    with Client(trial) as client:
        while rounds < LEAST_ROUNDS or trial.accepted < trial.images:
            rounds += 1
            for name in (*WORKERS, "triton", "gateway"):
                time.sleep(trial.dice.uniform(1, 4))
                strike = trial.watch.strike()
                trial.stack.stop(name)
                trial.stack.start(name)
                strike.undone = True
    seen = ", ".join(f"{count} × {what}" for what, count in sorted(client.seen.items()) if what != "requests")
    return f"{rounds} rounds; {client.seen['requests']} submissions; on the way: {seen or 'nothing'}"


FAULTS = {"rolling": Fault("Rolling restart of workers, Triton and gateway under load", restart_everything)}
