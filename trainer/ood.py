"""How unlike a chest film an image is, from the classifier's own features; a formula every engine can run.

Mean and deviation over the image of feature maps half-way up make a vector. Principal components of chest films span
what chest films do; the score is the log of two distances, each 1 for a typical chest film: inside that span
(Mahalanobis) and away from it (residual). Layers before the last are used since late ones forget all that does not
tell pneumonia.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

COMPONENTS = 64
SMALLEST = 1e-6


def tap_features(maps: list[Tensor]) -> Tensor:
    """Feature maps [N,C_i,h_i,w_i] -> [N, 2 * sum C_i]: mean and standard deviation of each channel over the image."""
    parts = []
    for features in maps:
        features = features.float()
        mean = features.mean((2, 3), keepdim=True)
        variance = (features - mean).square().mean((2, 3))
        parts += [mean.flatten(1), (variance + SMALLEST).sqrt()]
    return torch.cat(parts, 1)


class OodScore(nn.Module):
    """[N,features] of ``tap_features`` -> [N,1]; about 0 for a chest film, higher for what is less like one.

    ``taps`` are the stages of the trunk whose output is looked at.
    """

    def __init__(self, features: int, taps: tuple[int, ...], components: int = COMPONENTS) -> None:
        super().__init__()
        self.features, self.taps, self.components = features, tuple(taps), components
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))
        self.register_buffer("axes", torch.zeros(features, components))
        self.register_buffer("spread", torch.ones(components))
        self.register_buffer("residual", torch.tensor(1.0))

    @property
    def spec(self) -> dict[str, Any]:
        return {"features": self.features, "taps": list(self.taps), "components": self.components}

    def forward(self, features: Tensor) -> Tensor:
        standard = (features - self.mean) / self.deviation
        inside = standard @ self.axes
        # The rest is formed before it is squared: a difference of two large sums would not survive bf16.
        rest = standard - inside @ self.axes.T
        mahalanobis = (inside.square() / self.spread).mean(1, keepdim=True)
        residual = rest.square().mean(1, keepdim=True) / self.residual
        return 0.5 * ((mahalanobis + SMALLEST).log() + (residual + SMALLEST).log())


@torch.no_grad()
def fit_ood(features: Tensor, taps: tuple[int, ...], components: int = COMPONENTS) -> OodScore:
    """Fit on chest films only: features [N,D] in, score out."""
    score = OodScore(features.shape[1], taps, components)
    score.mean.copy_(features.mean(0))
    score.deviation.copy_(features.std(0) + 1e-3)
    standard = (features - score.mean) / score.deviation
    _, lengths, axes = torch.linalg.svd(standard, full_matrices=False)
    score.axes.copy_(axes[:components].T)
    score.spread.copy_(lengths[:components].square() / len(features))
    rest = standard - standard @ score.axes @ score.axes.T
    score.residual.copy_(rest.square().mean())
    return score.eval()
