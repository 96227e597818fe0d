"""Everything that decides how one network is trained; saved beside its weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from trainer.augment import DEFAULT
from trainer.errors import UnknownName

IMBALANCES = ("balanced", "weighted", "none")
# For a GPU, where the backward pass of the early layers costs little.
NOTHING_FROZEN: dict[str, Any] = {"frozen_stages": 0, "frozen_filters": False}


@dataclass(frozen=True)
class Recipe:
    """Defaults are the recipe of the EfficientNet-Lite0 that is served, but for its epochs (8); rates are per step,
    sizes in pixels.

    Raises:
        UnknownName: there is no such way with imbalance.
    """

    architecture: str = "efficientnet_lite0_fine"
    size_px: int = 112
    seed: int = 0
    epochs: int = 7
    batch: int = 32
    rate: float = 4e-4
    """AdamW's rate for the head; each layer below gets ``rate_decay`` times the rate of the one above."""
    rate_decay: float = 0.9
    weight_decay: float = 0.02
    frozen_epochs: int = 1
    """Epochs in which only the head and the last two stages learn, before everything does."""
    frozen_stages: int = 4
    """Stages next to the film that never learn: edges are the same on photographs, and half the time is spent there."""
    frozen_filters: bool = True
    """Whether depthwise filters keep their starting weights: a fifth of a step on a CPU goes into their gradients, and
    learning them gained nothing beyond what seeds differ by (docs/experiments.md, 18)."""
    warm_up_share: float = 0.1
    label_smoothing: float = 0.05
    dropout: float = 0.2
    average_decay: float = 0.98
    imbalance: str = "balanced"
    """``balanced`` draws classes and patients evenly, ``weighted`` weights the loss, ``none`` does nothing."""
    patience: int = 3
    """Epochs without a better shifted validation before training stops."""
    augmentations: tuple[str, ...] = DEFAULT
    pretrained: bool = True
    films: int = 0
    """Films drawn an epoch; 0 means twice the smaller class."""

    def __post_init__(self) -> None:
        if self.imbalance not in IMBALANCES:
            raise UnknownName(f"imbalance {self.imbalance}; there are {', '.join(IMBALANCES)}")

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "augmentations": list(self.augmentations)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Recipe:
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in content.items() if name in known}
        return cls(**{**values, "augmentations": tuple(values["augmentations"])})
