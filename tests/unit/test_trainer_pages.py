"""Pages are made from proofs, and say so where a proof is missing."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the trainer's environment is not installed")
pytest.importorskip("efficientnet_lite_pytorch", reason="the trainer's environment is not installed")

from trainer.pages.experiments import between_marks
from trainer.pages.markdown import interval, table
from trainer.pages.measured import audit_section, corruption_section
from trainer.pages.proofs import Proofs
from trainer.runs import Run


def test_tables_and_intervals() -> None:
    assert table(["a", "b"], [["x", 0.12345], ["y", None]]) == "| a | b |\n|---|---|\n| x | 0.123 |\n| y | - |"
    assert interval({"value": 0.5, "low": 0.4, "high": 0.61}) == "0.500 (0.400 to 0.610)"


def test_only_what_lies_between_the_marks_is_renewed() -> None:
    page = "by hand\n<!-- runs -->\nold\n<!-- /runs -->\nby hand"
    assert between_marks(page, "runs", "new") == "by hand\n<!-- runs -->\nnew\n<!-- /runs -->\nby hand"


def test_a_missing_proof_is_named_with_its_command() -> None:
    proofs = Proofs(Run("unit-test-without-proofs"))
    assert "python -m trainer corrupt --run unit-test-without-proofs" in corruption_section(proofs)
    assert "Not run" in audit_section(proofs)
