"""What comes in, counted where every door passes: at the ledger."""

from __future__ import annotations

from cxr.telemetry.metrics import counter

JOBS_ACCEPTED = counter("cxr_jobs_accepted", "Jobs accepted, by queue.", "queue")
RECEIVED_IMAGES = counter("cxr_received_images", "Images taken into jobs, refused ones included.")
RECEIVED_BYTES = counter("cxr_received_bytes", "Bytes of these images' files.")
