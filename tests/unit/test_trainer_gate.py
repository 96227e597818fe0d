"""The gate opens for engines that answer alike, and says why it stays closed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("scipy", reason="the gate needs the trainer's environment (scipy)")
pytest.importorskip("onnxruntime", reason="the gate's reference is onnxruntime")

import numpy as np

from cxr.schemas import ModelCard
from tests.model_runs import card_fields, exact_answers, write_run
from trainer.backend_program import load_program
from trainer.contract import OUTPUTS, Answers
from trainer.errors import MissingStep
from trainer.exported import exported_card
from trainer.gate import candidate_scorer, compare, proof_row, worst_of
from trainer.golden import MARGIN, GoldenSet, decisions, disagreements, golden_of
from trainer.phantom import phantoms
from trainer.precision import name_source
from trainer.refusals import StepRefused
from trainer.served_program import program_scorer
from trainer.version_folder import backend_program

PROGRAM = backend_program(Path(__file__).resolve().parents[2] / "model_repository" / "pneumonia_classifier")
POINT = {"threshold": 0.5, "indeterminate_low": 0.3, "indeterminate_high": 0.7, "ood_limit": 2.0}


@pytest.fixture
def card() -> ModelCard:
    return ModelCard.model_validate({**card_fields(operating_point=POINT), "version": 1, "onnx_sha256": "2" * 64})


def answers(probability: list[float], ood_score: list[float] | None = None) -> Answers:
    count = len(probability)
    return {
        "PROBABILITY": np.array(probability, np.float32).reshape(-1, 1),
        "HEATMAP": np.zeros((count, 2, 2), np.float32),
        "OOD_SCORE": np.array(ood_score or [0.0] * count, np.float32).reshape(-1, 1),
    }


def spread(count: int = 1000) -> tuple[np.ndarray, list[float]]:
    """Labels and probabilities that mostly agree, few of them near a limit."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, count)
    return labels, np.clip(labels * 0.9 + random.normal(0.05, 0.05, count), 0, 1).tolist()


def test_an_engine_that_answers_alike_is_admitted(card: ModelCard) -> None:
    labels, p = spread()
    proof = compare("twin", labels, answers(p), answers((np.array(p) + 1e-4).tolist()), card)
    assert proof.admitted
    assert proof_row(proof)[:2] == ["twin", "admitted"]
    assert proof_row(proof.model_copy(update={"reasons": ["too far"]}))[1] == "refused"
    assert (proof.decisions_flipped, proof.findings_changed, proof.films) == (0, 0, 1000)


@pytest.mark.parametrize(
    ("flips", "admitted"), [(5, True), (6, False)], ids=["half a percent is allowed", "more is not"]
)
def test_flipped_decisions_are_counted(card: ModelCard, flips: int, admitted: bool) -> None:
    labels = np.arange(1000) % 2
    p = np.where(labels == 1, 0.9, 0.1)
    p[:flips] = 0.49
    q = p.copy()
    q[:flips] = 0.51
    proof = compare("near", labels, answers(p.tolist()), answers(q.tolist()), card)
    assert proof.decisions_flipped == flips
    assert any("decisions_flipped" in reason for reason in proof.reasons) is not admitted


def test_a_changed_refusal_counts_as_a_changed_finding(card: ModelCard) -> None:
    labels, p = spread(100)
    near, over = [1.9] * 100, [2.1] * 100
    proof = compare("drifting", labels, answers(p, near), answers(p, over), card)
    assert proof.findings_changed == 100
    assert proof.decisions_flipped == 0
    assert not proof.admitted


def test_an_engine_that_answers_nan_is_refused(card: ModelCard) -> None:
    labels, p = spread(100)
    with np.errstate(invalid="ignore"):
        proof = compare("broken", labels, answers(p), answers([float("nan")] * 100), card)
    assert not proof.admitted


def test_an_auc_is_compared_and_not_disclosed(card: ModelCard) -> None:
    labels, p = spread(200)
    proof = compare("reversed", labels, answers(p), answers([1 - x for x in p]), card)
    assert proof.auc_difference > 0.5
    assert "auc_reference" not in proof.model_dump()
    assert any(reason.startswith("auc_difference") for reason in proof.reasons)


def test_the_golden_set_keeps_only_films_clear_of_every_limit(card: ModelCard) -> None:
    p = [0.1, 0.3 + MARGIN / 2, 0.5, 0.7 - MARGIN / 2, 0.95, 0.9]
    ood_score = [0.0, 0.0, 0.0, 0.0, 0.0, 2.01]
    golden = golden_of(phantoms(6, 32), answers(p, ood_score), card.operating_point)
    assert golden.probability.tolist() == pytest.approx([0.1, 0.95])


def test_a_golden_decision_that_flips_is_named(card: ModelCard) -> None:
    golden = golden_of(phantoms(2, 32), answers([0.1, 0.95]), card.operating_point)
    assert disagreements(golden, answers([0.11, 0.94]), card.operating_point) == []
    found = disagreements(golden, answers([0.1, 0.2]), card.operating_point)
    assert "golden film 1: pneumonia became no_pneumonia" in found
    assert any("0.750" in sentence for sentence in found)


def test_a_golden_set_survives_its_file(tmp_path: Path, card: ModelCard) -> None:
    golden = golden_of(phantoms(4, 32), answers([0.1, 0.2, 0.9, 0.95]), card.operating_point)
    golden.save(tmp_path / "golden.npz")
    again = GoldenSet.load(tmp_path / "golden.npz")
    np.testing.assert_array_equal(again.images, golden.images)
    np.testing.assert_array_equal(again.probability, golden.probability)


def test_a_refused_film_is_a_decision_of_its_own(card: ModelCard) -> None:
    p, ood_score = np.array([0.9, 0.9, 0.5], np.float32), np.array([0, 3, float("nan")], np.float32)
    assert decisions(p, ood_score, card.operating_point) == ["pneumonia", "refused", "refused"]


def test_the_gate_judges_the_file_of_the_manifest_only(tmp_path: Path) -> None:
    with pytest.raises(MissingStep, match="export"):
        exported_card(tmp_path)
    card = write_run(tmp_path / "run")
    assert exported_card(tmp_path / "run") == card
    (tmp_path / "run" / "manifest.json").write_text(
        json.dumps({**card.model_dump(mode="json"), "onnx_sha256": "0" * 64})
    )
    with pytest.raises(MissingStep, match="not the file"):
        exported_card(tmp_path / "run")


def test_a_graph_of_before_the_last_calibration_is_refused(tmp_path: Path) -> None:
    card = write_run(tmp_path / "run")
    calibrated = tmp_path / "run" / "card.json"
    calibrated.write_text(json.dumps(card_fields()))
    assert exported_card(tmp_path / "run") == card
    point = {**card_fields()["operating_point"], "threshold": 0.6}
    calibrated.write_text(json.dumps(card_fields(operating_point=point)))
    with pytest.raises(StepRefused, match=r"another operating point than card\.json: run export again"):
        exported_card(tmp_path / "run")
    calibrated.write_text(json.dumps(card_fields(weights_sha256="9c08ec" + "2" * 58)))
    said = r"model\.onnx was exported from weights 111111\.\.\., served\.pt is 9c08ec\.\.\.: run export again"
    with pytest.raises(StepRefused, match=said):
        exported_card(tmp_path / "run")


def test_each_set_of_films_may_close_the_gate(card: ModelCard) -> None:
    labels = np.arange(1000) % 2
    p = np.where(labels == 1, 0.9, 0.1)
    q = p.copy()
    q[:6] = 1 - q[:6]
    calm = compare("near", labels, answers(p.tolist()), answers(p.tolist()), card)
    proof = worst_of(
        {"validation": calm, "test": compare("near", labels, answers(p.tolist()), answers(q.tolist()), card)}
    )
    assert (proof.sets, proof.films, proof.decisions_flipped) == (("validation", "test"), 2000, 6)
    assert proof.weights_sha256 == card.weights_sha256
    assert any(reason.startswith("test films: decisions_flipped is 0.0060") for reason in proof.reasons)
    assert worst_of({"validation": calm}).admitted


def test_an_engine_without_its_file_is_named(tmp_path: Path, card: ModelCard) -> None:
    with pytest.raises(MissingStep, match=r"model\.int8\.onnx"):
        candidate_scorer("openvino-int8", tmp_path, card)
    with pytest.raises(MissingStep, match="is not one of"):
        candidate_scorer("abacus", tmp_path, card)


def test_fewer_bits_of_another_graph_are_refused(tmp_path: Path) -> None:
    card = write_run(tmp_path / "run")
    int8 = tmp_path / "run" / "model.int8.onnx"
    shutil.copyfile(tmp_path / "run" / "model.onnx", int8)
    name_source(int8, card)
    assert candidate_scorer("openvino-int8", tmp_path / "run", card)[0] == "openvino-int8"
    name_source(int8, card.model_copy(update={"onnx_sha256": "2" * 64}))
    with pytest.raises(StepRefused, match=r"was made from another model\.onnx: run precision again"):
        candidate_scorer("openvino-int8", tmp_path / "run", card)


def test_the_gate_judges_the_served_programs_own_code(tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="the program runs on openvino")
    card = write_run(tmp_path / "run")
    films = phantoms(20, 224)
    exact = exact_answers(tmp_path / "run" / "model.onnx", films)
    for engine in ("openvino-fp32", "openvino-mixed"):
        answers = program_scorer(PROGRAM, tmp_path / "run", card, engine)(films)
        for name in OUTPUTS:
            np.testing.assert_allclose(answers[name], exact[name], rtol=0.02)


def test_a_doubtful_film_gets_a_second_look() -> None:
    pytest.importorskip("openvino", reason="the program runs on openvino")
    point = {"threshold": 0.5, "indeterminate_low": 0.4, "indeterminate_high": 0.6, "ood_limit": 0.5}
    card = ModelCard.model_validate({**card_fields(operating_point=point), "version": 1, "onnx_sha256": "2" * 64})
    limits = load_program(PROGRAM).Limits(
        {"model_card": card.model_dump_json(), "recheck_logit": "0.8", "recheck_ood": "0.1"}
    )
    logits = np.array([-3.0, 3.0, 0.1, 1.0, 3.0, float("nan")], np.float32)
    heatmap = np.repeat(logits / 4, 4).reshape(-1, 2, 2)
    ood_score = np.array([0.0, 0.0, 0.0, 0.0, 0.45, 0.0], np.float32)[:, None]
    near = limits.near({"HEATMAP": heatmap, "OOD_SCORE": ood_score})
    assert near.tolist() == [False, False, True, True, True, True]
