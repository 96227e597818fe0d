"""Rows, jobs and cards that the page's HTML is made of in its tests, and a reader that insists on sound HTML."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from cxr.jobs import Feedback
from cxr.jobs.feedback import Seen, Verdict
from cxr.schemas import (
    Job,
    JobImage,
    JobResult,
    JobState,
    ModelCard,
    ModelIdentity,
    OperatingPoint,
    Prediction,
    QueueName,
    Rejection,
    ReliabilityBin,
)
from gateway.page.worklist import worklist
from gateway.worklists import Arrangement, Line, Worklist

HOSTILE = "<img src=x onerror=alert(1)>\"'${alert(1)}{{alert}}`.png"
MODEL = ModelIdentity(name="pneumonia_classifier", version=2, engine="openvino")
POINT = OperatingPoint(threshold=0.4, indeterminate_low=0.3, indeterminate_high=0.6, ood_limit=1)

CARD = ModelCard(
    name=MODEL.name,
    version=MODEL.version,
    architecture="toy",
    preprocess_version="1",
    image_size_px=224,
    heatmap_size=(1, 1),
    operating_point=POINT,
    training_data_sha256="",
    weights_sha256="",
    onnx_sha256="",
    metrics={},
    reliability=(
        ReliabilityBin(low=0, high=0.5, count=60, observed=0.05),
        ReliabilityBin(low=0.5, high=0.8, count=0, observed=None),
        ReliabilityBin(low=0.8, high=1, count=10, observed=0.9),
    ),
    intended_use="",
    attribution="",
    created=datetime(2026, 1, 1, tzinfo=UTC),
)
SAID = Feedback(
    verdict=Verdict.DISAGREE,
    sees=Seen.NO_PNEUMONIA,
    reason=HOSTILE,
    at=datetime(2026, 1, 1, tzinfo=UTC),
    reader="anybody",
    job_id="job",
    index=0,
    sha256=None,
    answer="pneumonia",
    probability=0.9,
    model=MODEL,
)


def row(name: str = "a.png", result: Prediction | Rejection | None = None, index: int = 0) -> JobResult:
    return JobResult(index=index, image=JobImage(name=name, sha256=None, size_bytes=9), result=result)


def judged(probability: float) -> Prediction:
    finding = POINT.finding(probability)
    return Prediction(finding=finding, probability=probability, ood_score=0, heatmap=[[1.0]], model=MODEL)


def job(total: int, answered: int) -> Job:
    created = datetime(2026, 1, 1, tzinfo=UTC)
    done = answered == total
    return Job(
        id="job",
        state=JobState.DONE if done else JobState.RUNNING,
        queue=QueueName.INTERACTIVE,
        total=total,
        answered=answered,
        created_at=created,
        finished_at=created + timedelta(seconds=2.5) if done else None,
    )


URGENT = Arrangement()


def listed(rows: list[JobResult], wanted: Arrangement = URGENT, first: int = 0) -> str:
    films = Worklist([Line.of(row) for row in rows], 0.0)
    return worklist("job", films.arranged(wanted), first, len(rows), wanted, films.counts())


class Tags(HTMLParser):
    """Collects tags and refuses an end that does not fit its start."""

    VOID = frozenset({"img", "input", "path", "br", "rect", "circle", "fefuncr", "fefuncg", "fefuncb"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text = ""
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data.replace("\N{NO-BREAK SPACE}", " ")
