"""Puts a worker process together and runs it."""

from __future__ import annotations

import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

from celery import Celery
from celery.signals import setup_logging, worker_init, worker_ready, worker_shutdown

from cxr.blobs import blob_store
from cxr.custody import Custody
from cxr.imaging import Limits
from cxr.jobs import AuditLog, JobStore, Leases, Ledger, Origins, Presence
from cxr.predictor import Predictor
from cxr.queue import ChunkQueue, celery_app
from cxr.schemas import QueueName
from cxr.settings import Settings
from cxr.telemetry import configure_logging
from cxr.telemetry.metrics import serve_metrics
from cxr.telemetry.traces import configure_tracing
from cxr.triton import ModelClient
from worker.boxes import BoxedDecoder
from worker.breaker import Breaker
from worker.child import BoxPlan
from worker.chunks import ChunkWorker
from worker.ending import with_ending
from worker.lanes import with_lanes
from worker.observed import AnswerCount
from worker.patience import with_patience
from worker.reconcile import Reconciler
from worker.tasks import register_tasks

# A message that left its queue is claimed within moments; one that two looks this far apart find unclaimed was lost.
BETWEEN_LOOKS_FOR_LOST_MESSAGES_S = 2.0
# How long a thread may keep the interpreter from another that wants it. A lone film's thread wants it after each of a
# dozen calls to Redis, BlobStore, box and Triton; Python's own 5 ms would let batch threads hold it up each time.
INTERPRETER_TURN_S = 0.0005
READING_THREADS = 8  # each waits for the disk or the object store most of the time


def create_worker(settings: Settings) -> Celery:
    """A Celery application with its task and its reconciler; nothing connects before it runs."""
    app = celery_app(settings.redis_url)
    ledger = Ledger(settings.redis_url)
    jobs, leases, blobs = JobStore(ledger, settings), Leases(ledger, settings), blob_store(settings)
    threads = ThreadPoolExecutor(READING_THREADS, thread_name_prefix="read")
    predictors, boxes = _predictors(settings)
    model = predictors[QueueName.INTERACTIVE]
    breaker = Breaker(model.ready)
    count = AnswerCount(Origins(ledger), model)
    chunk_worker = ChunkWorker(
        leases,
        blobs,
        predictors,
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
        Presence(ledger),
        interval_s=settings.reconcile_interval_s,
        between_looks_s=BETWEEN_LOOKS_FOR_LOST_MESSAGES_S,
        max_stops=settings.max_chunk_attempts,
    )

    def stop() -> None:
        breaker.stop()
        reconciler.stop()

    def start_boxes(**_: object) -> None:
        for decoder in boxes:
            decoder.start()

    def close_boxes(**_: object) -> None:
        for decoder in boxes:
            decoder.close()

    worker_init.connect(start_boxes, weak=False)
    worker_ready.connect(lambda **_: reconciler.start(), weak=False)
    worker_shutdown.connect(close_boxes, weak=False)
    setup_logging.connect(lambda **_: configure_logging("worker", settings.log_level), weak=False)
    with_ending(app, stop)
    return app


def _predictors(settings: Settings) -> tuple[dict[QueueName, Predictor], list[BoxedDecoder]]:
    """A predictor for each queue, with boxes of its own.

    What is decoded and scored for a batch leaves the processor to a lone film at once, whatever is in hand.
    """
    limits = Limits(max_file_bytes=settings.max_file_bytes)
    predictors, boxes = {}, []
    for queue in QueueName:
        gives_way = queue is QueueName.BATCH
        plan = BoxPlan(settings.decode_timeout_s, settings.decode_memory_bytes, limits, gives_way=gives_way)
        boxes.append(BoxedDecoder(settings.decode_processes, plan))
        model = ModelClient(settings.triton_url, settings.model_name, settings.infer_timeout_s, queue=queue)
        predictors[queue] = Predictor(model, boxes[-1])
    return predictors, boxes


def run(settings: Settings) -> int:
    """Work until the process is told to stop; what is in hand is finished first. Returns the process' exit code.

    Workers of one machine have their process ids in their names, so that each can be told to stop by itself.
    """
    sys.setswitchinterval(INTERPRETER_TURN_S)
    configure_tracing("worker", settings.otlp_endpoint, settings.trace_ratio)
    serve_metrics(settings.worker_metrics_port, settings.metrics_host)
    app = create_worker(settings)
    with_patience(app, Ledger(settings.redis_url, patient=False).probe)
    lanes = with_lanes(app, settings.worker_concurrency)
    name = f"worker-{os.getpid()}@{socket.gethostname()}"
    worker = app.Worker(hostname=name, without_gossip=True, without_mingle=True, **lanes)
    worker.start()
    return int(worker.exitcode or 0)
