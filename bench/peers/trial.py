"""The same films and the same model behind what people would use instead, beside ours, in the same run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack

from bench.drive import drive
from bench.figures import Figure, best
from bench.outcome import Outcome
from bench.peers.doors import DOORS, WAYS
from bench.peers.film import BATCH_WAIT_S, MAX_BATCH
from bench.peers.ours import by_files, by_jobs
from bench.peers.server import IN_FLIGHT, PeerFailed, measured, serving
from bench.served import folder, running, served_engine
from bench.steps import Steps

JOBS, FILES = "PneumoServe, jobs of 64 over HTTP", "PneumoServe, a film a call over gRPC"
JOBS_IN_FLIGHT = 4
JOBS_LONGER = 3  # times: a job counts whole, so its first upload and its last answers weigh much in a short while


def measure(quick: bool, steps: Steps) -> Outcome:
    """Images a second of FastAPI, LitServe, BentoML, MLServer and Ray Serve beside ours, same films, same client."""
    rounds, seconds = (1, 2.0) if quick else (3, 5.0)
    rates: dict[str, list[float]] = defaultdict(list)
    failed: dict[str, str] = {}
    steps.expect(1 + rounds * (2 + len(DOORS) * len(WAYS)))
    steps.next("starting ours")
    with ExitStack() as exits:
        stack = exits.enter_context(running("redis", "triton", "worker", "gateway"))
        logs = exits.enter_context(folder("peers"))
        ours: dict[str, tuple[Callable[[], int], float, int]] = {
            JOBS: (by_jobs(stack), JOBS_LONGER * seconds, JOBS_IN_FLIGHT),
            FILES: (by_files(stack), seconds, IN_FLIGHT),
        }
        for call, _, in_flight in ours.values():
            drive(call, seconds, in_flight)
        for turn in range(1, rounds + 1):
            for name, (call, time_s, in_flight) in ours.items():
                steps.next(f"round {turn}: {name}")
                rates[name].append(drive(call, time_s, in_flight).images_per_s)
            for door in DOORS:
                for way in WAYS:
                    name = f"{door.name}, {way.words}"
                    steps.next(f"round {turn}: {name}")
                    try:
                        with serving(door, way, logs) as client:
                            rates[name].append(measured(client, seconds).images_per_s)
                    except (PeerFailed, OSError) as error:
                        failed[name] = str(error)
    return _outcome({name: Figure.of(found) for name, found in rates.items() if name not in failed}, failed)


def _outcome(rates: dict[str, Figure], failed: dict[str, str]) -> Outcome:
    outcome = Outcome("peers", "Peers: beside what people would use instead")
    outcome.say(
        "The same original films, the same weights (the exported graph, batch normalisation folded), the same client",
        f"on the same cores, {IN_FLIGHT} films in flight. *As its users run it*: Pillow decodes the whole film and",
        f"makes it smaller, PyTorch scores (eager, without gradients). *With our engine*: {served_engine()}, by the",
        "program that Triton runs; *with our decoding* also `cxr.imaging.preprocess`, which is no engine, but all that",
        "a peer can be given. Each batches as its documentation recommends (at most",
        f"{MAX_BATCH} films, {1000 * BATCH_WAIT_S:.0f} ms, where BentoML waits as it sees fit; FastAPI has no",
        "batching), with a process a core; each is a file of `bench/peers/`. A peer is started, warmed, measured and",
        "ended in each round; ours stays up, idle meanwhile. Ours over HTTP is durable (every film and answer synced",
        f"to disk before it counts), {JOBS_IN_FLIGHT} jobs of 64 in flight, measured {JOBS_LONGER} times as long,",
        "since a job counts whole; the peers keep nothing. Over gRPC ours keeps nothing either.",
    )
    ours = rates[JOBS]
    rows = []
    for name in sorted(rates, key=lambda name: -rates[name].median):
        ratio = "" if name == JOBS else f"{ours.ratio_to(rates[name]).text(2)} x"
        rows.append((name, rates[name].text(), ratio))
        outcome.figures[name] = rates[name]
    outcome.table(("Server", "images/s", "ours over HTTP to it"), rows)
    for way in WAYS:
        words = way.words
        group = {name: found for name, found in rates.items() if name.endswith(f", {words}")}
        if group:
            first = best(group)
            ratio = ours.ratio_to(group[first])
            outcome.say(f"Best peer {words}: {first.partition(',')[0]}; ours answers {ratio.text(2)} times as many.")
            outcome.figures[f"ours to the best peer, {words}"] = ratio
    for name, why in failed.items():
        outcome.say(f"Not measured: {name}: {why.strip().splitlines()[-1]}")
    return outcome
