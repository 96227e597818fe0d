"""What every door of the gateway needs, made once per process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from cxr.blobs import BlobStore, blob_store
from cxr.custody import Custody
from cxr.jobs import (
    AuditLog,
    Backlog,
    EndedSessions,
    FeedbackLog,
    IdempotencyKeys,
    JobStore,
    Ledger,
    LedgerGauges,
    Rates,
    References,
)
from cxr.queue import ChunkQueue, celery_app
from cxr.settings import Settings
from cxr.triton import ModelClient
from gateway.access.entry import Entry, GuardedEntry, OpenEntry
from gateway.access.register import AccessFile
from gateway.auth import EVERYBODY, Caller


@dataclass(frozen=True)
class Parts:
    """The settings and the doors to ledger, image store, queue and model; nothing connects before it is used."""

    settings: Settings
    jobs: JobStore
    references: References
    blobs: BlobStore
    audit: AuditLog
    custody: Custody
    queue: ChunkQueue
    model: ModelClient
    feedback: FeedbackLog
    idempotency: IdempotencyKeys
    backlog: Backlog
    gauges: LedgerGauges
    probe: Callable[[], None]
    """Raises ``LedgerUnavailable`` unless the ledger takes writes, within seconds."""
    entry: Entry = field(default_factory=OpenEntry)
    caller: Caller = EVERYBODY

    @classmethod
    def of(cls, settings: Settings) -> Parts:
        ledger, hasty = Ledger(settings.redis_url), Ledger(settings.redis_url, patient=False)
        jobs, blobs = JobStore(ledger, settings), blob_store(settings)
        audit = AuditLog(ledger)
        return cls(
            settings=settings,
            jobs=jobs,
            references=References(ledger),
            blobs=blobs,
            audit=audit,
            custody=Custody(jobs, blobs, audit),
            queue=ChunkQueue(celery_app(settings.redis_url)),
            model=ModelClient(settings.triton_url, settings.model_name, timeout_s=5.0),
            feedback=FeedbackLog(ledger),
            idempotency=IdempotencyKeys(ledger, settings.idempotency_s),
            backlog=Backlog(ledger),
            gauges=LedgerGauges(hasty),
            probe=hasty.probe,
            entry=_entry(settings),
        )

    def seen_by(self, caller: Caller) -> Parts:
        """The same doors as this caller may use them: another owner's job does not exist there."""
        jobs = self.jobs.seen_by(caller.sees, caller.quota.waiting_images)
        return replace(self, jobs=jobs, custody=Custody(jobs, self.blobs, self.audit), caller=caller)

    def close(self) -> None:
        self.model.close()


def _entry(settings: Settings) -> Entry:
    if settings.access_file is None:
        return OpenEntry()
    ledger = Ledger(settings.redis_url, patient=False)
    access, audit = AccessFile(settings.access_file), AuditLog(ledger)
    return GuardedEntry(access, EndedSessions(ledger), Rates(ledger), audit, settings)
