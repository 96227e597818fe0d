"""Chaos: real processes are killed, paused and filled up in mid-job, and every image is counted afterwards.

``python -m bench.chaos`` runs the faults of ``bench/chaos/faults/`` one after the other, each on a stack of its own.
"""
