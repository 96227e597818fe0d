"""What an image, a job, a finding and a model card are; the shapes that cross process borders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from cxr.errors import CxrError, ImageRejected, error_of
from cxr.notes import NoteCode


class Frozen(BaseModel):
    """A value: never changed after it is made, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Finding(StrEnum):
    """What the model says about one frontal chest film."""

    PNEUMONIA = "pneumonia"
    NO_PNEUMONIA = "no_pneumonia"
    INDETERMINATE = "indeterminate"


class OperatingPoint(Frozen):
    """Where a calibrated probability becomes a finding; chosen on patient-grouped validation films by the trainer.

    A probability inside ``[indeterminate_low, indeterminate_high)`` is indeterminate; outside it, at or above
    ``threshold`` means pneumonia. An ``OOD_SCORE`` above ``ood_limit`` is refused as not a frontal chest film.
    """

    threshold: float = Field(ge=0, le=1)
    indeterminate_low: float = Field(ge=0, le=1)
    indeterminate_high: float = Field(ge=0, le=1)
    ood_limit: float

    @model_validator(mode="after")
    def _band_holds_threshold(self) -> OperatingPoint:
        if not self.indeterminate_low <= self.threshold <= self.indeterminate_high:
            raise ValueError("the indeterminate band must hold the threshold")
        return self

    def finding(self, probability: float) -> Finding:
        """Name the finding of one calibrated probability in [0, 1]."""
        if self.indeterminate_low <= probability < self.indeterminate_high:
            return Finding.INDETERMINATE
        return Finding.PNEUMONIA if probability >= self.threshold else Finding.NO_PNEUMONIA


class Estimate(Frozen):
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


class ReliabilityBin(Frozen):
    """What probabilities in ``[low, high)`` meant: the share ``observed`` of ``count`` test films had pneumonia."""

    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    count: int = Field(ge=0)
    observed: float | None = Field(None, ge=0, le=1, description="None where no film fell into the bin.")


class ModelCard(Frozen):
    """The identity card that travels with a model: in its manifest and in Triton's config ``parameters``.

    Hashes are SHA-256 in hex. ``metrics`` maps the set's name (``validation``, ``test``) to named estimates.
    ``reliability`` was measured on the test films; ``reference_histogram`` counts the validation films' probabilities
    in equal bins from 0 to 1, for watching whether the films of today look alike. Both are empty on a card that was
    written before they were measured.
    """

    name: str
    version: int = Field(ge=1)
    architecture: str
    preprocess_version: str
    image_size_px: int = Field(gt=0)
    heatmap_size: tuple[int, int]
    operating_point: OperatingPoint
    training_data_sha256: str
    weights_sha256: str
    onnx_sha256: str
    metrics: dict[str, dict[str, Estimate]]
    reliability: tuple[ReliabilityBin, ...] = ()
    reference_histogram: tuple[int, ...] = ()
    intended_use: str
    attribution: str
    created: datetime


class ModelIdentity(Frozen):
    """Which model gave an answer."""

    name: str
    version: int
    engine: str = Field(description="What computed it, as the model server calls it.")


class Note(Frozen):
    """A remark that goes with an answer and does not change it; ``code`` is one of ``NoteCode``."""

    code: str
    message: str = Field(description="The same as a sentence.")

    @classmethod
    def of(cls, code: NoteCode) -> Note:
        return cls(code=code.value, message=code.message)

    @property
    def of_pixels(self) -> bool:
        return self.code in {code.value for code in NoteCode if code.of_pixels}


class Prediction(Frozen):
    """A judged film.

    ``heatmap`` is [h, w], row by row from the top left; its cells sum to the log-odds of ``probability``.
    """

    kind: Literal["prediction"] = "prediction"
    finding: Finding
    probability: float = Field(ge=0, le=1, description="Of pneumonia, calibrated.")
    ood_score: float = Field(
        description="How unlike a frontal chest film it is; above the model's limit it is refused."
    )
    heatmap: list[list[float]] = Field(description="Row by row from the top left; positive speaks for pneumonia.")
    model: ModelIdentity = Field(description="Which model judged it.")
    notes: tuple[Note, ...] = Field((), description="What is remarkable of the film and does not change the answer.")


class Rejection(Frozen):
    """An image that was not judged, and why; ``code`` is one of ``cxr.errors``."""

    kind: Literal["rejection"] = "rejection"
    code: str = Field(description="One of those listed in the API's description.")
    message: str = Field(description="The same as a sentence, with what is particular to this file.")
    retryable: bool = Field(False, description="Whether sending it again later may help.")
    ood_score: float | None = Field(None, description="Where a model looked at it.")
    model: ModelIdentity | None = Field(None, description="Which model looked at it; null: none did.")

    @classmethod
    def of(cls, error: CxrError, **more: Any) -> Rejection:
        """Turn an error into the row its image gets."""
        return cls(code=error.code, message=str(error), retryable=error.retryable, **more)

    @property
    def shows_film(self) -> bool:
        """Whether the file holds a film that can be looked at."""
        error = error_of(self.code)
        return issubclass(error, ImageRejected) and error.shows_film


ImageResult = Annotated[Prediction | Rejection, Field(discriminator="kind")]
IMAGE_RESULT: TypeAdapter[Prediction | Rejection] = TypeAdapter(ImageResult)


class JobState(StrEnum):
    """The life of a job; ``done`` and ``cancelled`` are final."""

    RECEIVING = "receiving"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self in (JobState.DONE, JobState.CANCELLED)

    @property
    def unanswered(self) -> str:
        """What a row without a result is called in tables."""
        return "cancelled" if self is JobState.CANCELLED else "waiting"


class QueueName(StrEnum):
    """One doctor's image never waits behind 10,000: two queues."""

    INTERACTIVE = "interactive"
    BATCH = "batch"


class HintQueue(StrEnum):
    """Where a chunk's message waits: its job's queue; or ahead of the batch, when a batch chunk is hinted again."""

    INTERACTIVE = QueueName.INTERACTIVE.value
    RECOVERED = "recovered"
    BATCH = QueueName.BATCH.value

    @property
    def again(self) -> HintQueue:
        """Where chunks of this queue are hinted again: never behind new batch work."""
        return HintQueue.INTERACTIVE if self is HintQueue.INTERACTIVE else HintQueue.RECOVERED


class JobImage(Frozen):
    """One submitted image: its name, the bytes that are kept of it, and those that were sent."""

    name: str = Field(description="As it was sent: its last 255 characters, control characters as U+FFFD.")
    sha256: str | None = Field(
        description="Of the bytes that are kept, of a DICOM object without the patient's identity; null: none are."
    )
    size_bytes: int = Field(ge=0, description="Of the bytes that are kept, or else of what was refused.")
    notes: tuple[Note, ...] = Field((), description="What was remarked on the way in, of what the file said of itself.")
    sent_sha256: str | None = Field(
        None, description="Of the file as it was sent; null where it was not read whole, as what is refused in a zip."
    )
    sent_size_bytes: int | None = Field(None, ge=0, description="Of the file as it was sent; null like its SHA-256.")

    def noted(self, answer: Prediction | Rejection) -> Prediction | Rejection:
        """The answer with what this image's file says in the place of another's: the same pixels may be another's."""
        if isinstance(answer, Rejection):
            return answer
        notes = (*(note for note in answer.notes if note.of_pixels), *self.notes)
        return answer if answer.notes == notes else answer.model_copy(update={"notes": notes})


class InstanceReference(Frozen):
    """Which DICOM instance a film came as: for the results that go back to it, never for logs or the API's rows."""

    sop_class_uid: str
    instance_uid: str
    series_uid: str
    study_uid: str


class Job(Frozen):
    """A job's standing, counted from the ledger."""

    id: str
    state: JobState = Field(description="`done` and `cancelled` are final.")
    queue: QueueName = Field(description="Small jobs go ahead of batches.")
    total: int = Field(ge=0, description="Rows, one an image; of a zip one for each file in it.")
    answered: int = Field(ge=0, description="How many have a result.")
    created_at: datetime = Field(description="When its reception began.")
    finished_at: datetime | None = Field(None, description="When it became final; null until then.")


class JobResult(Frozen):
    """One row of a job: the image and its answer (None while it waits)."""

    index: int = Field(ge=0, description="The image's place in its job, in the order they were sent.")
    image: JobImage
    result: ImageResult | None = Field(None, description="Null while it waits, and for good in a cancelled job.")


@dataclass(frozen=True)
class Chunk:
    """The images ``first..last`` (both included) of one job: the unit that a worker claims."""

    job_id: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.job_id}/{self.first}/{self.last}"

    @classmethod
    def parse(cls, text: str) -> Chunk:
        job_id, first, last = text.rsplit("/", 2)
        return cls(job_id, int(first), int(last))
