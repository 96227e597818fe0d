"""Every fault by its name: what the table calls it, what it needs, and what it does to a trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bench.chaos.trial import Trial

MORTAL = {"worker": "exec python -m bench.chaos.mortal_worker"}


@dataclass(frozen=True)
class Fault:
    """``act`` submits films, breaks things, and returns what was seen; ``missing`` says why it cannot run here."""

    title: str
    act: Callable[[Trial], str]
    commands: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    missing: Callable[[], str] = lambda: ""


def every_fault() -> dict[str, Fault]:
    """All faults, in the order of the table."""
    from bench.chaos.faults import gateway, messages, redis, rolling, surroundings, triton, workers

    modules = workers, triton, redis, gateway, messages, surroundings, rolling
    return {name: fault for module in modules for name, fault in module.FAULTS.items()}
