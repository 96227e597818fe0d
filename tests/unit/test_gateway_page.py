"""The page's HTML: the right words, nothing from outside taken as markup, nothing fetched from elsewhere."""

from __future__ import annotations

from importlib import resources

import pytest

from cxr.errors import CorruptArchive, InvertedFilm, LedgerUnavailable, NotChestXray, every_error
from cxr.notes import NoteCode
from cxr.schemas import Note, Rejection
from gateway.page.about import HEAD
from gateway.page.advice import ADVICE, advice
from gateway.page.jobs import recent_jobs
from gateway.page.meaning import similar_films, wilson
from gateway.page.reading import EMPTY, reading
from gateway.page.scale import probability_scale
from gateway.page.standing import fault
from gateway.page.words import NOTICE, escape, percent, short_reason
from gateway.worklists import Arrangement
from tests.page_parts import CARD, HOSTILE, SAID, Tags, job, judged, listed, row


@pytest.mark.parametrize(
    "html",
    [
        reading("job", row(HOSTILE, judged(0.9)), CARD),
        reading("job", row(result=judged(0.9)), CARD, [SAID]),
        reading("job", row(HOSTILE, Rejection.of(NotChestXray())), CARD),
        reading("job", row(HOSTILE), None),
        listed([row(HOSTILE, judged(0.9)), row(HOSTILE, Rejection.of(CorruptArchive()), 1)]),
        listed([row(HOSTILE)], Arrangement(text=HOSTILE)),
        recent_jobs([(job(3, 1), HOSTILE)], "job"),
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
    assert percent(probability).replace("\N{NO-BREAK SPACE}", " ") == shown


@pytest.mark.parametrize(("probability", "title"), [(0.9, "Pneumonia"), (0.1, "No pneumonia"), (0.45, "Indeterminate")])
def test_a_finding_is_said_with_its_probability_scale_and_model(probability: float, title: str) -> None:
    text = Tags(reading("job", row(result=judged(probability)), CARD)).text
    for part in (
        title,
        f"{probability:.1%}".replace("%", " %"),
        "operating point, 40.0 %",
        "30.0 % to 60.0 %",
        "openvino",
        "log-odds",
    ):
        assert part in text


def test_a_negative_finding_does_not_rule_pneumonia_out() -> None:
    assert "does not rule pneumonia out" in reading("job", row(result=judged(0.1)), CARD)


@pytest.mark.parametrize("error", list(every_error()))
def test_every_code_has_its_sentence_on_the_page(error: type[NotChestXray]) -> None:
    text = Tags(reading("job", row(result=Rejection.of(error())), None)).text
    assert error.sentence in text
    assert error.code in text
    assert advice(error.code) in text
    assert Tags(listed([row(result=Rejection.of(error()))])).text.lower().count(short_reason(error.code).lower()) == 1


def test_only_what_a_worker_could_decode_is_shown() -> None:
    shown = {error for error in every_error() if "film.png" in reading("job", row(result=Rejection.of(error())), None)}
    assert shown == {NotChestXray, InvertedFilm}


def test_without_an_operating_point_the_probability_still_has_its_scale() -> None:
    scale = probability_scale(0.7, None, "pneumonia")
    assert "left:70.0000%" in scale
    assert "operating point" not in scale


def test_a_fault_says_what_to_do() -> None:
    assert ADVICE["ledger_unavailable"] in Tags(fault(LedgerUnavailable(), "Cannot be shown now")).text
    assert "Make the zip again" in Tags(fault(CorruptArchive(), "Not accepted")).text


def test_every_code_has_advice_and_no_advice_is_without_a_code() -> None:
    shown = {error.code for error in every_error()}
    assert set(ADVICE) <= shown
    for code in shown:
        assert advice(code) != advice("internal_error") or code in ADVICE, f"what to do about {code}?"


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
