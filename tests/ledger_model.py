"""What the ledger should say, in plain Python: the model that the property tests compare it with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from cxr.errors import EmptyFile, PoisonImage
from cxr.jobs import Ledger
from cxr.schemas import JobImage, JobState, ModelIdentity, QueueName, Rejection

OWNERS = "one", "two"
HASHES = [f"{number:064x}" for number in range(6)]
SIZE_BYTES = 10
AT_THE_DOOR = Rejection.of(EmptyFile())
POISON = Rejection.of(PoisonImage())
MODEL = ModelIdentity(name="m", version=1, engine="e")


@dataclass
class ModelJob:
    """What the ledger should say of a job."""

    owner: str
    queue: QueueName
    images: list[JobImage] = field(default_factory=list)
    answers: dict[int, Rejection] = field(default_factory=dict)
    counted_bytes: int = 0
    state: JobState = JobState.RECEIVING
    aside: set[int] = field(default_factory=set)

    @property
    def unanswered(self) -> set[int]:
        return set(range(len(self.images))) - set(self.answers)

    @property
    def open(self) -> bool:
        return self.state in (JobState.QUEUED, JobState.RUNNING)


class Model(dict[str, ModelJob]):
    """Jobs by id."""

    def backlog(self, owners: Collection[str]) -> tuple[int, int]:
        """Images that wait for an answer, and the bytes of their jobs."""
        unfinished = [job for job in self.values() if not job.state.final and job.owner in owners]
        return sum(len(job.unanswered) for job in unfinished), sum(job.counted_bytes for job in unfinished)

    def needs(self) -> Counter[str]:
        """How many images need each blob."""
        return Counter(image.sha256 for job in self.values() for image in job.images if image.sha256)

    def write(self, job_id: str, indices: set[int], answer: Rejection) -> int:
        """Answer what is open among ``indices``; how many that are."""
        job = self.get(job_id)
        if job is None or not job.open:
            return 0
        new = indices & job.unanswered
        job.answers |= dict.fromkeys(new, answer)
        job.state = job.state if job.unanswered else JobState.DONE
        return len(new)


class RepliesAreLost(Ledger):
    """Every script is sent twice, as when its first reply was lost, but for ``overdue``.

    A look of which every reply is lost never tells anything; the property tests lose only some of them.
    """

    def run(self, script: str, keys: Sequence[str], arguments: Sequence[Any]) -> Any:
        if script != "overdue":
            super().run(script, keys, arguments)
        return super().run(script, keys, arguments)
