"""How the system is doing at this moment: what answers, what waits, how fast it goes."""

from __future__ import annotations

from dataclasses import dataclass, field

from cxr.errors import CxrError
from cxr.schemas import QueueName
from cxr.triton import ServedModel
from gateway.parts import Parts


@dataclass(frozen=True)
class Pulse:
    """One look; figures are of all owners' films together, None where the ledger does not answer."""

    model: ServedModel | None
    ledger: bool
    workers: int | None = None
    waiting: int | None = None
    images_per_s: float | None = None
    in_hand: int | None = None
    set_aside: int | None = None
    oldest_s: dict[QueueName, float] = field(default_factory=dict)
    writable: bool = True


def feel(parts: Parts) -> Pulse:
    """Look once; never raises."""
    model = _model(parts)
    readings = list(parts.gauges.read())
    figures = {reading.name: reading.value for reading in readings if not reading.labels}
    try:
        standing = parts.backlog.standing() if figures["cxr_ledger_up"] else None
    except CxrError:
        standing = None
    if standing is None:
        return Pulse(model, ledger=False)
    ages = {
        queue: reading.value
        for reading in readings
        for queue in QueueName
        if reading.name == "cxr_queue_oldest_age_seconds" and reading.labels["queue"] == queue
    }
    return Pulse(
        model,
        True,
        _whole(figures.get("cxr_workers_present")),
        standing.images,
        standing.images_per_s,
        _whole(figures.get("cxr_leases_in_flight")),
        _whole(figures.get("cxr_set_aside_images")),
        ages,
        figures["cxr_ledger_writable"] == 1,
    )


def _model(parts: Parts) -> ServedModel | None:
    try:
        return parts.model.served() if parts.model.ready() else None
    except CxrError:
        return None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
