"""The embedded stack of ``make run``: real Redis, Triton, worker and gateway from Python packages, on loopback."""
