"""A run's served model together with its card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cxr.schemas import OperatingPoint
from trainer.model import ServedModel, load_served, sha256_of_weights
from trainer.refusals import StepRefused
from trainer.runs import Run


@dataclass(frozen=True)
class Served:
    """The model in evaluation mode and the fields of its card that are known before export."""

    model: ServedModel
    card: dict[str, Any]

    @property
    def point(self) -> OperatingPoint:
        return OperatingPoint(**self.card["operating_point"])

    @property
    def weights_sha256(self) -> str:
        return str(self.card["weights_sha256"])


def served_of(run: Run) -> Served:
    """What ``calibrate`` left.

    Raises:
        MissingStep: nothing.
        StepRefused: the card is of other weights.
    """
    model = load_served(run.existing("served.pt", "calibrate"))
    served = Served(model, run.read_json("card.json", "calibrate"))
    found = sha256_of_weights(model)
    if found != served.weights_sha256:
        raise StepRefused(
            f"{run.folder}/card.json is of weights {served.weights_sha256[:6]}..., served.pt is {found[:6]}...: "
            "run calibrate again"
        )
    return served
