"""What every door of the gateway needs, made once per process."""

from __future__ import annotations

from dataclasses import dataclass

from cxr.blobs import BlobStore
from cxr.custody import Custody
from cxr.jobs import AuditLog, FeedbackLog, JobStore, Ledger, References
from cxr.queue import ChunkQueue, celery_app
from cxr.settings import Settings
from cxr.triton import ModelClient


@dataclass(frozen=True)
class Parts:
    """The settings and the doors to ledger, image store, queue and model; nothing connects before it is used."""

    settings: Settings
    jobs: JobStore
    references: References
    blobs: BlobStore
    custody: Custody
    queue: ChunkQueue
    model: ModelClient
    feedback: FeedbackLog

    @classmethod
    def of(cls, settings: Settings) -> Parts:
        ledger = Ledger(settings.redis_url)
        jobs, blobs = JobStore(ledger, settings), BlobStore(settings.blobs_dir)
        return cls(
            settings=settings,
            jobs=jobs,
            references=References(ledger),
            blobs=blobs,
            custody=Custody(jobs, blobs, AuditLog(ledger)),
            queue=ChunkQueue(celery_app(settings.redis_url)),
            model=ModelClient(settings.triton_url, settings.model_name, timeout_s=5.0),
            feedback=FeedbackLog(ledger),
        )

    def close(self) -> None:
        self.model.close()
