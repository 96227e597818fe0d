"""Which DICOM instances a job's films came as: kept beside the job, and forgotten with it.

These identify a patient's examination. They are read for the results that go back to it and by nothing else: they are
no part of a job's rows, and are not to be logged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from cxr.jobs.ledger import Ledger, job_key, redis_errors
from cxr.schemas import InstanceReference


class References:
    """Every method raises ``LedgerUnavailable`` when Redis is away."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._redis = ledger, ledger.redis

    def put(self, job_id: str, references: Mapping[int, InstanceReference]) -> None:
        """Remember them by the index of their image; of a job that was deleted meanwhile, nothing."""
        if references:
            keys = [job_key(job_id), job_key(job_id, "references")]
            pairs = [(index, reference.model_dump_json()) for index, reference in references.items()]
            self._ledger.run("note", keys, [word for pair in pairs for word in pair])

    def any(self, job_id: str) -> bool:
        """Whether any film of the job came as DICOM."""
        with redis_errors():
            return bool(self._redis.exists(job_key(job_id, "references")))

    def get(self, job_id: str, indices: Iterable[int]) -> dict[int, InstanceReference]:
        """Those that there are among ``indices``."""
        wanted = list(indices)
        if not wanted:
            return {}
        with redis_errors():
            found = self._redis.hmget(job_key(job_id, "references"), [str(index) for index in wanted])
        texts = cast("list[str | None]", found)
        return {
            index: InstanceReference.model_validate_json(text)
            for index, text in zip(wanted, texts, strict=True)
            if text is not None
        }
