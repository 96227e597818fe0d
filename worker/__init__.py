"""Celery workers: from Redis to Triton and back."""
