"""Everything is restarted, part by part, under clients that never pause and never try again."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import ExitStack
from threading import Event, Thread

import httpx

from bench.chaos.balancer import Balancer
from bench.chaos.faults import Fault
from bench.chaos.trial import WORKERS, Trial

FILMS_PER_REQUEST = 10
CLIENTS = 2
PAUSE_S = 0.1
LEAST_ROUNDS = 2
GATEWAYS = "gateway", "gateway-2"


class Client:
    """Submits films and asks after its jobs, each request on a connection of its own; what fails, fails."""

    def __init__(self, trial: Trial, port: int) -> None:
        self._trial, self._url, self._stop = trial, f"http://127.0.0.1:{port}", Event()
        self.answers: Counter[str] = Counter()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> Client:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(PAUSE_S):
            files = [("files", (f"{n}.png", one)) for n, one in enumerate(self._trial.films(FILMS_PER_REQUEST))]
            job = self._ask("POST", "/v1/jobs", files=files)
            if job:
                self._trial.follow(job["id"], FILMS_PER_REQUEST)
                self._ask("GET", f"/v1/jobs/{job['id']}")

    def _ask(self, method: str, path: str, **content: object) -> dict[str, str]:
        """The JSON of a good answer; anything else is counted as failed."""
        try:
            with httpx.Client(base_url=self._url, timeout=60) as client:
                answer = client.request(method, path, **content)  # type: ignore[arg-type]
        except httpx.TransportError as error:
            self.answers[type(error).__name__] += 1
            return {}
        self.answers[str(answer.status_code)] += 1
        found: dict[str, str] = answer.json() if answer.is_success else {}
        return found

    @property
    def failed(self) -> Counter[str]:
        return Counter({what: count for what, count in self.answers.items() if not what.startswith("2")})


def restart_everything(trial: Trial) -> str:
    """SIGTERM and start again: each worker, Triton, each of two gateways, Redis; until the films are all sent."""
    trial.stack.start(*GATEWAYS)
    ports = {name: trial.stack.gateway_port(name) for name in GATEWAYS}
    rounds = 0
    with ExitStack() as exits:
        balancer = exits.enter_context(Balancer(list(ports.values())))
        clients = [exits.enter_context(Client(trial, balancer.port)) for _ in range(CLIENTS)]
        while rounds < LEAST_ROUNDS or trial.accepted < trial.images:
            rounds += 1
            for name in (*WORKERS, "triton", *GATEWAYS, "redis"):
                time.sleep(trial.dice.uniform(1, 4))
                strike = trial.watch.strike()
                if name in ports:
                    balancer.take_out(ports[name])
                before = trial.stack.pid(name)
                trial.stack.stop(name)
                trial.stack.start(name)
                trial.struck(trial.stack.pid(name) != before, f"{name} was not restarted")
                if name in ports:
                    balancer.put_back(ports[name])
                strike.undone = True
    asked = sum(sum(client.answers.values()) for client in clients)
    failed = sum((client.failed for client in clients), Counter[str]())
    trial.failed_requests = failed.total()
    said = ", ".join(f"{count} × {what}" for what, count in failed.items())
    return f"{rounds} rounds; {asked} requests, {failed.total()} failed{': ' if said else ''}{said}"


FAULTS = {"rolling": Fault("Rolling restart of everything under continuous load", restart_everything)}
