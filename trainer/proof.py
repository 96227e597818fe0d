"""What the gate found out about one engine: the paper that publishing asks for."""

from __future__ import annotations

from pathlib import Path

from cxr.schemas import Frozen, ModelCard


class GateProof(Frozen):
    """How far an engine was from the ONNX fp32 model, and why it was refused (no ``reasons``: admitted).

    Only the difference of the AUCs is kept: the proof is about two engines, and must not open the test set by the way.
    ``sets`` names the films; a proof of before, which does not, is of the test films. Of several sets the counts are
    added, and of the rest the worst is kept. ``decisions_flipped`` counts the films that crossed the threshold,
    ``findings_changed`` also those that entered or left the indeterminate band or were refused by one engine only.
    """

    engine: str
    onnx_sha256: str
    weights_sha256: str | None = None
    sets: tuple[str, ...] = ("test",)
    films: int
    auc_difference: float
    decisions_flipped: int
    findings_changed: int
    mean_probability_difference: float
    max_probability_difference: float
    max_ood_score_difference: float
    limits: dict[str, float]
    reasons: list[str]

    @property
    def admitted(self) -> bool:
        return not self.reasons

    def is_of(self, card: ModelCard) -> bool:
        """Whether this is a proof on the graph of the card; a proof of before does not name the weights."""
        return self.onnx_sha256 == card.onnx_sha256 and self.weights_sha256 in (None, card.weights_sha256)


PROOF = "gate.json"
"""In a version folder: the proof on the CPU engine that serves it."""


def proof_path(run: Path, engine: str) -> Path:
    """Where a run keeps the proof on one engine: one file for each."""
    return run / f"gate-{engine}.json"


def read_proof(run: Path, engine: str) -> GateProof | None:
    """The run's proof on one engine; None where the gate was not asked."""
    path = proof_path(run, engine)
    return GateProof.model_validate_json(path.read_text(encoding="utf-8")) if path.is_file() else None


def is_admitted(run: Path, engine: str, onnx_sha256: str) -> bool:
    """Whether the gate admitted this engine for exactly this ONNX file."""
    proof = read_proof(run, engine)
    return proof is not None and proof.admitted and proof.onnx_sha256 == onnx_sha256
