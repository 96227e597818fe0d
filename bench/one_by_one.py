"""What tutorials do: a Celery task for each image, its answer in Celery's own result backend.

``python -m celery -A bench.one_by_one worker``. ``BENCH_REDIS_URL`` is broker and backend; with ``BENCH_TRITON_URL`` a
task reads its film from ``BENCH_BLOBS``, decodes it and asks Triton; without, its answer costs nothing.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from celery import Celery

from bench.light_worker import ANSWER

REDIS, TRITON, BLOBS = "BENCH_REDIS_URL", "BENCH_TRITON_URL", "BENCH_BLOBS"
JUDGE = "judge"


def celery_app(redis_url: str) -> Celery:
    """Celery as it comes, but for the messages' size and its time-outs."""
    app = Celery("one-by-one", broker=redis_url, backend=redis_url)
    app.conf.update(task_ignore_result=False, broker_connection_retry_on_startup=True, result_expires=600)
    return app


app = celery_app(os.environ.get(REDIS, "redis://127.0.0.1:6390/0"))


@app.task(name=JUDGE)
def judge(sha256: str) -> dict[str, object]:
    """One film's answer."""
    if TRITON not in os.environ:
        return ANSWER.model_dump(mode="json")
    predictor, blobs = _parts()
    return predictor.predict([blobs.get(sha256)])[0].model_dump(mode="json")


@cache
def _parts():  # type: ignore[no-untyped-def]  # after the fork, as gRPC wants it
    from cxr.blobs import FolderStore
    from cxr.decoding import ThreadDecoder
    from cxr.predictor import Predictor
    from cxr.triton import ModelClient

    model = ModelClient(os.environ[TRITON], "pneumonia_classifier")
    return Predictor(model, ThreadDecoder(1)), FolderStore(Path(os.environ[BLOBS]))
