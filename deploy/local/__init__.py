"""The embedded stack that ``make run`` starts: real Redis, Triton, worker and gateway from Python packages, on loopback."""
