"""The door to Prometheus: one registry for each process, and the small server that shows it.

Names follow Prometheus' conventions: a prefix, base units (seconds, bytes), ``_total`` for what only grows. Labels take
values from closed lists (queues, codes, findings, routes), never a job id, an owner or a name.
Gateway, DICOM door and worker are one process with threads each (a worker's boxes record nothing), so no files are
shared between processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

REGISTRY = CollectorRegistry(auto_describe=True)

# From a lone film's steps to a batch's wait, in seconds.
STEP_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
WAIT_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)


def counter(name: str, meaning: str, *labels: str) -> Counter:
    """A figure that only grows; shown as ``<name>_total``."""
    return Counter(name, meaning, labels, registry=REGISTRY)


def gauge(name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(name, meaning, labels, registry=REGISTRY)


def histogram(name: str, meaning: str, *labels: str, bounds: Iterable[float]) -> Histogram:
    return Histogram(name, meaning, labels, registry=REGISTRY, buckets=tuple(bounds))


@dataclass(frozen=True)
class Reading:
    """One gauge's value at the moment of a scrape."""

    name: str
    meaning: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)


class Watched(Collector):
    """Gauges that are read anew at every scrape; ``read`` answers within the scrape's time and does not raise."""

    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self._read = read

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing: registering it must not read anything yet."""
        yield from ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for reading in self._read():
            family = families.setdefault(
                reading.name, GaugeMetricFamily(reading.name, reading.meaning, labels=list(reading.labels))
            )
            family.add_metric(list(reading.labels.values()), reading.value)
        yield from families.values()


def serve_metrics(port: int, host: str, watched: Callable[[], Iterable[Reading]] | None = None) -> None:
    """Show the registry at ``http://host:port/metrics`` from a thread of its own; port 0 means not at all.

    It has no access control: bind it where only Prometheus can reach it. Raises ``OSError`` when the port is taken.
    """
    if not port:
        return
    ProcessCollector(registry=REGISTRY)
    if watched:
        REGISTRY.register(Watched(watched))
    start_http_server(port, host, REGISTRY)
