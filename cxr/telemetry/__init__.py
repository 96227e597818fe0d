"""What can be seen from outside: logs, metrics and traces that carry job id and model version, never a file name or
patient data.

``logs`` are JSON lines, ``metrics`` is the door to Prometheus, ``traces`` the door to OpenTelemetry. ``stages`` times
what happens to a chunk for both; ``requests`` and ``answers`` hold the gateway's and the worker's own figures.
"""

from cxr.telemetry.logs import configure_logging, logger
from cxr.telemetry.stages import stage

__all__ = ["configure_logging", "logger", "stage"]
