"""The card of a run's exported graph, if the graph is that of the card and of the calibrated network."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from cxr.schemas import ModelCard
from trainer.errors import MissingStep
from trainer.refusals import StepRefused
from trainer.repository import MANIFEST


def exported_card(folder: Path) -> ModelCard:
    """The card of ``model.onnx`` in a run's folder.

    Raises:
        MissingStep: nothing was exported, or model.onnx is not the file that the card was made for.
        StepRefused: the run was calibrated again since.
    """
    for name in (MANIFEST, "model.onnx"):
        if not (folder / name).is_file():
            raise MissingStep(f"{folder / name} is missing: python -m trainer export --run {folder.name}")
    card = ModelCard.model_validate_json((folder / MANIFEST).read_text(encoding="utf-8"))
    if hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest() != card.onnx_sha256:
        raise MissingStep(f"{folder / 'model.onnx'} is not the file of its manifest: export and gate again")
    if (folder / "card.json").is_file():
        _refuse_another_calibration(folder, card)
    return card


def _refuse_another_calibration(folder: Path, card: ModelCard) -> None:
    calibrated = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    before, now = card.weights_sha256, calibrated["weights_sha256"]
    if before != now:
        raise StepRefused(
            f"{folder / 'model.onnx'} was exported from weights {before[:6]}..., served.pt is {now[:6]}...: "
            "run export again"
        )
    if card.operating_point.model_dump() != calibrated["operating_point"]:
        raise StepRefused(f"{folder / MANIFEST} has another operating point than card.json: run export again")
