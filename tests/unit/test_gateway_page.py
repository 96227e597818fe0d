"""The page's HTML: the right words, nothing from outside taken as markup, nothing fetched from elsewhere."""

from __future__ import annotations

from importlib import resources

import pytest

from cxr.errors import CorruptArchive, CorruptImage, InvertedFilm, LedgerUnavailable, NotChestXray, every_error
from cxr.notes import NoteCode
from cxr.schemas import Finding, Note, OperatingPoint, Rejection, ReliabilityBin
from deploy.local.settings import ROOT
from gateway.page.about import HEAD
from gateway.page.advice import ADVICE, advice
from gateway.page.jobs import RecentJob, recent_jobs
from gateway.page.meaning import similar_films, undecided_meant, wilson
from gateway.page.reading import EMPTY, Way, reading
from gateway.page.rule import rule
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
        recent_jobs([RecentJob(job(3, 1), [row(HOSTILE)])], "job"),
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
    ("probability", "shown"), [(0.0, "< 1 %"), (0.1234, "12 %"), (0.9944, "> 99 %"), (1.0, "> 99 %")]
)
def test_no_probability_is_shown_as_certain(probability: float, shown: str) -> None:
    assert percent(probability).replace("\N{NO-BREAK SPACE}", " ") == shown


@pytest.mark.parametrize(
    ("probability", "title", "said"),
    [
        (0.9, "Pneumonia", "From 60 % on the model says pneumonia."),
        (0.1, "No sign of pneumonia", "Below 30 % the model sees no sign of pneumonia. This does not rule it out."),
        (0.45, "Indeterminate", "Between 30 % and 60 % the model does not decide: read the film as if there were no"),
    ],
)
def test_a_finding_is_said_with_its_probability_rule_scale_and_model(probability: float, title: str, said: str) -> None:
    html = reading("job", row(result=judged(probability)), CARD)
    text = Tags(html).text
    for part in (title, f"{probability:.0%}".replace("%", " %"), said, "operating point, 40 %", "30 % to 60 %"):
        assert part in text
    assert text.count("Model: pneumonia_classifier, version 2, on openvino.") == 1
    assert ("that-does-not-count" in html) is (title == "Indeterminate")


def test_each_key_has_a_cap_of_its_own() -> None:
    assert "<kbd>N</kbd> <kbd>P</kbd>" in reading("job", row(result=judged(0.9)), CARD)


def test_the_windows_title_names_no_film() -> None:
    """A browser's history keeps titles for good, and a file's name may be a patient's."""
    film = row("Hans Mueller.png", judged(0.9), index=2)
    assert 'data-title="Film 3: Pneumonia"' in reading("job", film, CARD, way=Way.at([2, 1], 2))
    assert 'data-title="Pneumonia"' in reading("job", film, CARD)


def test_without_a_band_the_operating_point_is_the_rule() -> None:
    point = OperatingPoint(threshold=0.4, indeterminate_low=0.4, indeterminate_high=0.4, ood_limit=1)
    assert rule(Finding.PNEUMONIA, point).replace("\N{NO-BREAK SPACE}", " ").startswith("From 40 % on the model says")
    assert rule(Finding.NO_PNEUMONIA, None).startswith("The model sees no sign")


def test_the_map_says_how_coarse_it_is_or_that_it_is_empty() -> None:
    warm = judged(0.9).model_copy(update={"heatmap": [[0.5, 0.0, 0.0], [0.0, 0.0, 0.0]]})
    assert "2 x 3 squares: its borders are not those of a lesion" in Tags(reading("job", row(result=warm), CARD)).text
    cold = warm.model_copy(update={"heatmap": [[0.01, -0.5, 0.0], [0.0, 0.0, 0.0]]})
    text = Tags(reading("job", row(result=cold), CARD)).text
    assert "No area raised the probability" in text
    assert "squares" not in text


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
    refused = Tags(fault(LedgerUnavailable("OOM"), "Not accepted", of_upload=True)).text
    assert "was not accepted" in refused
    assert "nothing is lost" not in refused
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


@pytest.mark.parametrize(
    ("observed", "said"),
    [(0.1, "were too high on the test films: about 45 % was stated"), (0.4, ""), (0.9, "were too low")],
)
def test_the_band_says_where_the_cards_calibration_is_off(observed: float, said: str) -> None:
    bins = (
        ReliabilityBin(low=0.3, high=0.6, count=40, observed=observed),
        ReliabilityBin(low=0.6, high=1, count=900, observed=0.01),  # not of the band
    )
    card = CARD.model_copy(update={"reliability": bins})
    sentence = undecided_meant(card).replace("\N{NO-BREAK SPACE}", " ")
    assert said in sentence
    assert bool(sentence) is bool(said)
    assert (undecided_meant(card) in reading("job", row(result=judged(0.45)), card)) is True
    assert undecided_meant(CARD) == ""


def test_the_interval_is_wilsons() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857, table I: 81 of 263, and 0 of 20.
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)


def test_notes_stand_beside_the_finding() -> None:
    noted = judged(0.9).model_copy(update={"notes": (Note.of(NoteCode.CUT_OFF),)})
    assert NoteCode.CUT_OFF.message in reading("job", row(result=noted), CARD)
    assert "Take note" not in reading("job", row(result=judged(0.9)), CARD)


def test_another_age_is_warned_of_before_the_finding_and_not_compared_with_childrens_films() -> None:
    noted = judged(0.45).model_copy(update={"notes": (Note.of(NoteCode.AGE_OUTSIDE_VALIDATED_RANGE),)})
    card = CARD.model_copy(update={"reliability": (ReliabilityBin(low=0.3, high=0.6, count=40, observed=0.1),)})
    text = Tags(reading("job", row(result=noted), card)).text
    assert text.index("Do not use this answer") < text.index("Indeterminate")
    assert "test film" not in text
    assert "Take note" not in text


def test_what_is_said_of_adults_is_what_was_measured() -> None:
    rows = [line.split(" | ") for line in (ROOT / "docs" / "results.md").read_text().splitlines() if "| NIH, " in line]
    specificity = [float(cells[5]) for cells in rows if "labels" in cells[0]]
    assert len(specificity) == 2
    assert all(0.4 < share < 0.6 for share in specificity), "AGE_WARNING says about half"


def test_what_a_reader_said_is_shown_again() -> None:
    assert "Do you agree?" in reading("job", row(result=judged(0.9)), CARD)
    assert "You disagreed, seeing no pneumonia" in Tags(reading("job", row(result=judged(0.9)), CARD, [SAID])).text
    assert "Do you agree?" not in reading("job", row(), None)
    assert "Do you agree?" in reading("job", row(result=Rejection.of(NotChestXray())), None)
    assert "Do you agree?" not in reading("job", row(result=Rejection.of(CorruptImage())), None)


def test_the_page_says_what_it_is_not() -> None:
    assert "not a medical device" in NOTICE
    assert NOTICE in HEAD
    for html in (HEAD, EMPTY):
        assert "children aged 1 to 5" in Tags(html).text


def test_nothing_is_fetched_from_elsewhere() -> None:
    folder = resources.files("gateway.page")
    for name in ("style.css", "page.js", "viewer.js", "session.js", "places.js", "drops.js"):
        text = (folder / name).read_text()
        assert "http" not in text
        assert "@import" not in text
