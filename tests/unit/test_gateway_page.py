"""The page's HTML: the right words, nothing from outside taken as markup, nothing fetched from elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from importlib import resources

import pytest

from cxr.errors import CorruptArchive, LedgerUnavailable, NotChestXray, every_error
from cxr.jobs import Feedback
from cxr.jobs.feedback import Seen, Verdict
from cxr.schemas import (
    Job,
    JobImage,
    JobResult,
    JobState,
    ModelCard,
    ModelIdentity,
    Note,
    NoteCode,
    OperatingPoint,
    Prediction,
    QueueName,
    Rejection,
    ReliabilityBin,
)
from gateway.page.about import HEAD
from gateway.page.advice import ADVICE
from gateway.page.meaning import similar_films, wilson
from gateway.page.reading import EMPTY, reading
from gateway.page.scale import probability_scale
from gateway.page.words import NOTICE, escape, percent, short_reason
from gateway.page.worklist import ROWS, fault, progress, worklist

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


class Tags(HTMLParser):
    """Collects tags and refuses an end that does not fit its start."""

    VOID = frozenset({"img", "input", "path", "fefuncr", "fefuncg", "fefuncb"})

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
        self.text += data


@pytest.mark.parametrize(
    "html",
    [
        reading("job", row(HOSTILE, judged(0.9)), CARD),
        reading("job", row(result=judged(0.9)), CARD, [SAID]),
        reading("job", row(HOSTILE, Rejection.of(NotChestXray())), CARD),
        reading("job", row(HOSTILE), None),
        worklist([row(HOSTILE, judged(0.9)), row(HOSTILE, Rejection.of(CorruptArchive()), 1)], 0, 2),
        fault(CorruptArchive(HOSTILE), "Not accepted"),
    ],
)
def test_a_file_name_is_never_markup_nor_template(html: str) -> None:
    tags = Tags(html)
    assert HOSTILE in tags.text
    assert all(mark not in html for mark in ("${", "{{", "`"))


def test_escaped_text_reads_the_same() -> None:
    tags = Tags(f"<p>{escape(HOSTILE)}</p>")
    assert tags.text == HOSTILE


@pytest.mark.parametrize(
    ("probability", "shown"), [(0.0, "< 0.1 %"), (0.1234, "12.3 %"), (0.9994, "> 99.9 %"), (1.0, "> 99.9 %")]
)
def test_no_probability_is_shown_as_certain(probability: float, shown: str) -> None:
    assert percent(probability) == shown


@pytest.mark.parametrize(("probability", "title"), [(0.9, "Pneumonia"), (0.1, "No pneumonia"), (0.45, "Indeterminate")])
def test_a_finding_is_said_with_its_probability_scale_and_model(probability: float, title: str) -> None:
    text = Tags(reading("job", row(result=judged(probability)), CARD)).text
    for part in (title, percent(probability), "operating point, 40.0 %", "30.0 % to 60.0 %", "openvino", "log-odds"):
        assert part in text


def test_a_negative_finding_does_not_rule_pneumonia_out() -> None:
    assert "does not rule pneumonia out" in reading("job", row(result=judged(0.1)), CARD)


@pytest.mark.parametrize("error", list(every_error()))
def test_every_code_has_its_sentence_on_the_page(error: type[NotChestXray]) -> None:
    text = Tags(reading("job", row(result=Rejection.of(error())), None)).text
    assert error.sentence in text
    assert error.code in text
    assert ADVICE[error.code] in text
    assert Tags(worklist([row(result=Rejection.of(error()))], 0, 1)).text.count(short_reason(error.code)) == 1


def test_only_what_a_worker_could_decode_is_shown() -> None:
    assert "film.png" in reading("job", row(result=Rejection.of(NotChestXray())), None)
    for error in every_error():
        if error is not NotChestXray:
            assert "<img" not in reading("job", row(result=Rejection.of(error())), None)


def test_without_an_operating_point_the_probability_still_has_its_scale() -> None:
    scale = probability_scale(0.7, None, "pneumonia")
    assert "left:70.0000%" in scale
    assert "operating point" not in scale


def test_progress_counts_while_working_and_sums_up_when_done() -> None:
    working = Tags(progress(job(3, 1), [row(result=judged(0.9)), row(index=1), row(index=2)])).text
    assert "1 of 3 answered" in working
    rows = [
        row(result=judged(0.9)),
        row(result=judged(0.1), index=1),
        row(result=Rejection.of(NotChestXray()), index=2),
    ]
    done = Tags(progress(job(3, 3), rows)).text
    for part in ("3 films answered in 2.5 s", "1 pneumonia", "1 no pneumonia", "1 not judged"):
        assert part in done


def test_a_long_list_is_turned_page_by_page() -> None:
    rows = [row(index=ROWS + number) for number in range(ROWS)]
    html = worklist(rows, ROWS, 1000)
    assert f'data-first="{2 * ROWS}"' in html
    assert "101 to 200 of 1,000" in html
    assert "Earlier" not in worklist(rows[:3], 0, 3)


def test_a_fault_says_what_to_do() -> None:
    assert ADVICE["ledger_unavailable"] in Tags(fault(LedgerUnavailable(), "Cannot be shown now")).text
    assert "Make the zip again" in Tags(fault(CorruptArchive(), "Not accepted")).text


def test_every_code_has_advice_and_no_advice_is_without_a_code() -> None:
    assert {error.code for error in every_error()} == set(ADVICE)


def test_similar_probabilities_are_told_with_their_interval() -> None:
    text = Tags(similar_films(CARD, 0.3)).text
    for part in ("60 test films", "between 0 % and 50 %", "5 % (95 % interval 2 % to 14 %)", "17 % of all test films"):
        assert part in text
    assert "few films" not in text
    assert "few films" in similar_films(CARD, 0.9)
    assert similar_films(CARD, 0.6) == ""
    assert similar_films(CARD.model_copy(update={"reliability": ()}), 0.6) == ""


def test_the_interval_is_wilsons() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857, table I: 81 of 263, and 0 of 20.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def test_notes_stand_beside_the_finding() -> None:
    noted = judged(0.9).model_copy(update={"notes": (Note.of(NoteCode.AGE_OUTSIDE_VALIDATED_RANGE),)})
    assert NoteCode.AGE_OUTSIDE_VALIDATED_RANGE.message in reading("job", row(result=noted), CARD)
    assert "Take note" not in reading("job", row(result=judged(0.9)), CARD)


def test_what_a_reader_said_is_shown_again() -> None:
    assert "Do you agree?" in reading("job", row(result=judged(0.9)), CARD)
    assert "You disagreed, seeing no pneumonia" in Tags(reading("job", row(result=judged(0.9)), CARD, [SAID])).text
    assert "Do you agree?" not in reading("job", row(), None)


def test_the_page_says_what_it_is_not() -> None:
    assert "not a medical device" in NOTICE
    assert NOTICE in HEAD
    Tags(HEAD)
    Tags(EMPTY)


def test_nothing_is_fetched_from_elsewhere() -> None:
    folder = resources.files("gateway.page")
    for name in ("style.css", "page.js", "viewer.js"):
        text = (folder / name).read_text()
        assert "http" not in text
        assert "@import" not in text
