"""Puts a worker process together and runs it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from celery import Celery
from celery.signals import setup_logging, worker_init, worker_ready, worker_shutdown, worker_shutting_down

from cxr.blobs import blob_store
from cxr.custody import Custody
from cxr.imaging import Limits
from cxr.jobs import AuditLog, JobStore, Leases, Ledger, Origins
from cxr.predictor import Predictor
from cxr.queue import ChunkQueue, celery_app
from cxr.settings import Settings
from cxr.telemetry import configure_logging
from cxr.telemetry.metrics import serve_metrics
from cxr.telemetry.traces import configure_tracing
from cxr.triton import ModelClient
from worker.boxes import BoxedDecoder
from worker.breaker import Breaker
from worker.child import BoxPlan
from worker.chunks import ChunkWorker
from worker.lanes import with_lanes
from worker.observed import AnswerCount
from worker.reconcile import Reconciler
from worker.tasks import register_tasks

# A message that left its queue is claimed within moments; one that two looks this far apart find unclaimed was lost.
BETWEEN_LOOKS_FOR_LOST_MESSAGES_S = 4.0
READING_THREADS = 8  # each waits for the disk or the object store most of the time


def create_worker(settings: Settings) -> Celery:
    """A Celery application with its task and its reconciler; nothing connects before it runs."""
    app = celery_app(settings.redis_url)
    ledger = Ledger(settings.redis_url)
    jobs, leases, blobs = JobStore(ledger, settings), Leases(ledger, settings), blob_store(settings)
    threads = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="read")
    model = ModelClient(settings.triton_url, settings.model_name, settings.infer_timeout_s)
    limits = Limits(max_file_bytes=settings.max_file_bytes)
    boxes = BoxedDecoder(
        settings.decode_processes, BoxPlan(settings.decode_timeout_s, settings.decode_memory_bytes, limits)
    )
    predictor = Predictor(model, boxes)
    breaker = Breaker(model.ready)
    count = AnswerCount(Origins(ledger), predictor)
    chunk_worker = ChunkWorker(
        leases,
        blobs,
        predictor,
        breaker,
        threads,
        lease_s=settings.lease_s,
        slice_images=settings.slice_images,
        count=count,
    )
    register_tasks(app, chunk_worker)
    reconciler = Reconciler(
        leases,
        Custody(jobs, blobs, AuditLog(ledger)),
        ChunkQueue(app),
        interval_s=settings.reconcile_interval_s,
        between_looks_s=BETWEEN_LOOKS_FOR_LOST_MESSAGES_S,
        max_stops=settings.max_chunk_attempts,
    )

    def stop(**_: object) -> None:
        breaker.stop()
        reconciler.stop()

    worker_init.connect(lambda **_: boxes.start(), weak=False)
    worker_ready.connect(lambda **_: reconciler.start(), weak=False)
    worker_shutting_down.connect(stop, weak=False)
    worker_shutdown.connect(lambda **_: boxes.close(), weak=False)
    setup_logging.connect(lambda **_: configure_logging("worker", settings.log_level), weak=False)
    return app


def run(settings: Settings) -> None:
    """Work until the process is told to stop; what is in hand is finished first."""
    configure_tracing("worker", settings.otlp_endpoint, settings.trace_ratio)
    serve_metrics(settings.worker_metrics_port, settings.metrics_host)
    app = create_worker(settings)
    lanes = with_lanes(app, settings.worker_concurrency)
    app.worker_main(["worker", *lanes, "--without-gossip", "--without-mingle"])
