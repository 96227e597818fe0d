"""What the worker counts, a chunk at a time: chunks, answers, refusals, the model, its drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Lock

from cxr.telemetry.drift import BINS, RecentProbabilities
from cxr.telemetry.metrics import WAIT_S, counter, gauge, histogram
from cxr.telemetry.refusals import images_refused

CHUNK_IMAGES = histogram(
    "cxr_chunk_images", "Images of a chunk that were answered together.", bounds=(1, 2, 4, 8, 16, 32, 48, 64)
)
CHUNKS = counter("cxr_chunks", "Chunks by outcome: answered, nothing_to_do, or an error's code.", "outcome")
CHUNKS_IN_HAND = gauge("cxr_chunks_in_hand", "Chunks that this worker is working on.")
CHUNKS_HINTED_AGAIN = counter(
    "cxr_chunks_hinted_again",
    "Chunks hinted again because the worker that had them stopped, or put_off: a part was away, or a message was lost.",
    "cause",
)
IMAGES_SET_ASIDE = counter("cxr_images_set_aside", "Images that were set aside because they kept stopping workers.")
ANSWERED_SECONDS = histogram(
    "cxr_answer_duration_seconds",
    "Time from the opening of an image's job to the image's answer, by queue.",
    "queue",
    bounds=WAIT_S,
)
FINDINGS = counter("cxr_findings", "Judged images by finding and model version.", "finding", "model_version")
PROBABILITY = histogram(
    "cxr_probability", "Calibrated probabilities of judged images.", bounds=[(i + 1) / BINS for i in range(BINS)]
)
BREAKER_OPEN = gauge("cxr_breaker_open", "1 while this worker waits for Triton, else 0.")
MODEL = gauge("cxr_model_info", "1 for the model that answered last.", "name", "version", "engine")
DRIFT = gauge(
    "cxr_probability_drift",
    "Population stability index of the last 1000 probabilities against the validation films'; above 0.25 is a shift.",
    "model_version",
)


class ServedModelGauge:
    """Keeps ``cxr_model_info`` and ``cxr_probability_drift`` at the model that answers; safe from any thread."""

    def __init__(self) -> None:
        self._now: tuple[str, str, str] | None = None
        self._recent = RecentProbabilities()
        self._lock = Lock()

    def answered(
        self, name: str, version: int, engine: str, probabilities: Sequence[float], reference: Sequence[float] | None
    ) -> None:
        """A chunk was answered by this model; ``reference`` is its card's histogram, None when it has none."""
        this = (name, str(version), engine)
        with self._lock:
            if this != self._now:
                MODEL.clear()
                DRIFT.clear()
                self._recent.clear()
                MODEL.labels(*this).set(1)
                self._now = this
            self._recent.add(probabilities)
            drift = self._recent.drift(reference) if reference and len(reference) == BINS else None
            if drift is not None:
                DRIFT.labels(this[1]).set(drift)


def chunk_answered(
    queue: str,
    waited_s: float,
    findings: Mapping[tuple[str, int], int],
    refusals: Mapping[str, int],
    probabilities: Sequence[float],
) -> None:
    """Count one chunk: ``findings`` by finding and model version, ``refusals`` by code."""
    images = sum(findings.values()) + sum(refusals.values())
    CHUNK_IMAGES.observe(images)
    CHUNKS.labels("answered").inc()
    answered = ANSWERED_SECONDS.labels(queue)
    for _ in range(images):
        answered.observe(waited_s)
    for (finding, version), count in findings.items():
        FINDINGS.labels(finding, str(version)).inc(count)
    images_refused(refusals)
    for probability in probabilities:
        PROBABILITY.observe(probability)
