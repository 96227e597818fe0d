"""The ledger: every job's state, images and answers in Redis, each transition one atomic script of ``scripts/``.

    receiving --submit--> queued --first claim--> running --last answer--> done
    any of these that is not done --cancel--> cancelled

The ledger is the truth; a Celery message is only a hint that a chunk is waiting. Image bytes are never in Redis.
``JobStore`` is the gateway's side, ``Leases`` the worker's, ``Backlog`` says how much there is to do, ``AuditLog`` who
did what, ``FeedbackLog`` what readers said, ``Presence`` which workers are there; ``Receptions`` and
``Returns`` are the DICOM door's. Needs one Redis primary (Sentinel is fine, Cluster is not: a script
touches keys of several slots).
"""

from cxr.jobs.audit import AuditEntry, AuditLog, entry_of
from cxr.jobs.backlog import Backlog, Standing
from cxr.jobs.feedback import Feedback, FeedbackLog, Opinion, Seen, Verdict, last_words
from cxr.jobs.gauges import LedgerGauges
from cxr.jobs.idempotency import IdempotencyKeys
from cxr.jobs.leases import Lease, Leases, OverdueChunk
from cxr.jobs.ledger import Ledger
from cxr.jobs.listing import Place
from cxr.jobs.origins import Origin, Origins
from cxr.jobs.presence import Presence
from cxr.jobs.rates import Rate, Rates
from cxr.jobs.receptions import Receptions
from cxr.jobs.references import References
from cxr.jobs.returns import Returns
from cxr.jobs.sessions import EndedSessions
from cxr.jobs.store import ANYBODY, JobStore

__all__ = [
    "ANYBODY",
    "AuditEntry",
    "AuditLog",
    "Backlog",
    "EndedSessions",
    "Feedback",
    "FeedbackLog",
    "IdempotencyKeys",
    "JobStore",
    "Lease",
    "Leases",
    "Ledger",
    "LedgerGauges",
    "Opinion",
    "Origin",
    "Origins",
    "OverdueChunk",
    "Place",
    "Presence",
    "Rate",
    "Rates",
    "Receptions",
    "References",
    "Returns",
    "Seen",
    "Standing",
    "Verdict",
    "entry_of",
    "last_words",
]
