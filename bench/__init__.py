"""Measurements, each one command; what they found stands in docs/."""
