"""What readers say of findings: an append-only record that outlives its job, to learn from later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from pydantic import Field, field_validator

from cxr.errors import JobNotFound
from cxr.jobs.ledger import Ledger, from_ms, job_key
from cxr.schemas import Finding, Frozen, JobResult, ModelIdentity, Prediction

FEEDBACK = "cxr:feedback"
LONGEST_REASON = 500  # characters: a sentence or two, no room for a report


class Verdict(StrEnum):
    """Whether the reader shares the finding, or the refusal."""

    AGREE = "agree"
    DISAGREE = "disagree"


class Seen(StrEnum):
    """What the reader sees on the film."""

    PNEUMONIA = "pneumonia"
    NO_PNEUMONIA = "no_pneumonia"


class Opinion(Frozen):
    """What a reader says of one answer."""

    verdict: Verdict = Field(
        description="Does the reader share the answer? Of a refused file: was it rightly refused? That makes no label."
    )
    sees: Seen | None = Field(None, description="What the reader sees on the film, if that is to be a label.")
    reason: str = Field(
        "", max_length=LONGEST_REASON, description="Why, in a sentence. Never names or numbers of patients: it is kept."
    )

    @field_validator("reason")
    @classmethod
    def _one_printable_line(cls, reason: str) -> str:
        return " ".join("".join(sign if sign.isprintable() else " " for sign in reason).split())


class Feedback(Opinion):
    """One reader's opinion of one answered image, which is named by its SHA-256 alone, never by its file name."""

    at: datetime = Field(description="When it was said.")
    reader: str = Field(description="Whose key or account it came with, as in the audit record.")
    job_id: str
    index: int = Field(ge=0, description="The image's place in its job.")
    sha256: str | None = Field(description="Of the bytes that are kept of the image; null: none are.")
    answer: str = Field(description="The finding, or the refusal's code, that the reader looked at.")
    probability: float | None = Field(description="That the reader looked at; null of a refused file.")
    model: ModelIdentity | None = Field(description="Whose answer it was; null: no model looked at the file.")

    @property
    def label(self) -> int | None:
        """1 for pneumonia, 0 for none, as ``trainer.data`` counts; None where reader and answer leave it open."""
        if self.sees is not None:
            return int(self.sees is Seen.PNEUMONIA)
        if self.answer not in (Finding.PNEUMONIA, Finding.NO_PNEUMONIA):
            return None
        return int((self.answer == Finding.PNEUMONIA) is (self.verdict is Verdict.AGREE))


class FeedbackLog:
    """Two Redis streams an entry goes to at once: everybody's, which stays, and its job's, which goes with the job.

    Every method raises ``LedgerUnavailable`` when Redis is away.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add(self, job_id: str, row: JobResult, reader: str, opinion: Opinion) -> Feedback:
        """Append what a reader says of an answered row. Raises ``JobNotFound`` when the job was deleted meanwhile."""
        result = row.result
        assert result is not None, "there is an answer to speak of"
        probability = result.probability if isinstance(result, Prediction) else None
        said = Feedback(
            **opinion.model_dump(),
            at=from_ms(self._ledger.now_ms()),
            reader=reader,
            job_id=job_id,
            index=row.index,
            sha256=row.image.sha256,
            answer=result.finding.value if isinstance(result, Prediction) else result.code,
            probability=probability,
            model=result.model,
        )
        keys = [FEEDBACK, job_key(job_id), job_key(job_id, "feedback")]
        if self._ledger.run("feedback", keys, [said.model_dump_json()]) is None:
            raise JobNotFound(job_id)
        return said

    def of_image(self, job_id: str, index: int) -> list[Feedback]:
        """What was said of one image of a job, oldest first."""
        return [said for said in self._entries(job_key(job_id, "feedback")) if said.index == index]

    def entries(self) -> Iterator[Feedback]:
        """Everything that was ever said, oldest first, also of jobs that are gone."""
        return self._entries(FEEDBACK)

    def _entries(self, key: str) -> Iterator[Feedback]:
        for _, fields in self._ledger.entries(key):
            yield Feedback.model_validate_json(fields["said"])


def last_words(entries: Iterator[Feedback]) -> list[Feedback]:
    """Each reader's last opinion of each image's bytes, oldest first; images that were never stored are left out."""
    last = {(said.reader, said.sha256): said for said in entries if said.sha256}
    return sorted(last.values(), key=lambda said: said.at)
