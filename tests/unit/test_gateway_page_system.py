"""The tab System: the pulse in words, the calibration picture."""

from __future__ import annotations

import pytest

from cxr.errors import ModelUnavailable
from cxr.schemas import Estimate, QueueName
from cxr.triton import ServedModel
from deploy.local.settings import ROOT
from gateway.page.about import LIMITS, about, codes, foot, no_model
from gateway.page.calibration import calibration
from gateway.page.system import pulse
from gateway.page.words import duration
from gateway.pulse import Pulse
from tests.page_parts import CARD, Tags

SERVED = ServedModel(
    CARD.model_copy(update={"metrics": {"test": {"auc": Estimate(value=0.9, low=0.8, high=1)}}}), "toy"
)


def test_a_healthy_system_says_what_waits() -> None:
    now = Pulse(SERVED, True, 2, 1234, 2.5, 3, 1, {QueueName.BATCH: 125.0, QueueName.INTERACTIVE: 0.0})
    text = Tags(pulse(now)).text
    for part in (
        "Model server ready",
        "Job ledger ready",
        "Workers ready2",
        "1,234",
        "150",
        "the oldest film has waited 2 min",
    ):
        assert part in text


def test_what_is_away_is_said_and_its_figures_are_not_made_up() -> None:
    text = Tags(pulse(Pulse(None, ledger=False))).text
    assert "Model server away" in text
    assert "Job ledger away" in text
    assert "Workers away" in text
    assert text.count("—") == 6
    assert "nothing waits" not in text


def test_the_limits_are_those_of_the_model_card() -> None:
    card = (ROOT / "docs" / "model_card.md").read_text()
    assert [line for line in LIMITS if f"- {line}\n" not in card] == []
    assert card.split("## Limits")[1].split("## Ethics")[0].count("\n- ") == len(LIMITS)


def test_a_ledger_that_refuses_writes_is_not_said_to_be_ready() -> None:
    text = Tags(pulse(Pulse(SERVED, True, 2, 3, writable=False))).text
    assert "Job ledger refuses films" in text
    assert "no film is accepted" in text


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (89, "89 s"), (600, "10 min"), (7200, "2 h")])
def test_a_duration_has_one_unit(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_the_calibration_picture_has_a_dot_per_bin_and_the_same_in_numbers() -> None:
    html = calibration(CARD)
    assert html.count('class="observed"') == 2
    assert "0 % to 50 %605 %" in Tags(html).text
    assert "does not say" in calibration(CARD.model_copy(update={"reliability": ()}))


def test_the_card_is_told_whole() -> None:
    text = Tags(about(SERVED)).text
    for part in ("pneumonia_classifier version 2", "0.900 (0.800 to 1.000)", "log-odds", *LIMITS):
        assert part in text
    assert "not_chest_xray" in Tags(codes()).text
    assert "No model" not in Tags(foot(SERVED)).text
    assert "No model answers at the moment" in Tags(foot(None)).text
    assert "not available" in Tags(no_model(ModelUnavailable())).text
