"""The networks as they are trained (``Classifier``) and as they are served (``ServedModel``)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cxr.imaging import IMAGE_SIZE_PX
from trainer.architectures import trunk
from trainer.film_input import FilmInput
from trainer.ood import OodScore, tap_features


class Classifier(nn.Module):
    """Film to a map whose sum is the log-odds of pneumonia.

    The last layers are mean pooling and one linear unit; both are linear, so weighting every cell first and adding up
    afterwards is the same number: the class activation map (Zhou et al. 2016) is exact, bias spread evenly.
    """

    def __init__(self, architecture: str, size_px: int, pretrained: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.spec = {"architecture": architecture, "size_px": size_px}
        self.input = FilmInput(size_px)
        self.trunk = trunk(architecture, pretrained)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.trunk.channels, 1)
        nn.init.zeros_(self.head.bias)

    def features(self, image: Tensor) -> Tensor:
        """[N,1,224,224] in 0..255 -> [N,C,h,w]."""
        features: Tensor = self.trunk(self.input(image))
        return features

    def logits(self, image: Tensor) -> Tensor:
        """[N,1,224,224] in 0..255 -> [N], with dropout while training."""
        pooled = self.features(image).float().mean((2, 3))
        return self.head(self.dropout(pooled)).squeeze(1)

    def map_of(self, features: Tensor) -> Tensor:
        """[N,C,h,w] -> [N,h,w]; ``map.sum((1, 2))`` is the logit."""
        cells = features.shape[2] * features.shape[3]
        weighted = nn.functional.conv2d(features, self.head.weight[:, :, None, None] / cells, self.head.bias / cells)
        return weighted.squeeze(1)

    def with_taps(self, image: Tensor, taps: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """[N,1,224,224] -> map [N,h,w] and the features [N,D] that the out-of-distribution score looks at."""
        features, seen = self.trunk.with_taps(self.input(image), taps)
        return self.map_of(features), tap_features(seen)

    def forward(self, image: Tensor) -> Tensor:
        return self.map_of(self.features(image))


class ServedModel(nn.Module):
    """IMAGE uint8 [N,1,224,224] -> PROBABILITY [N,1], HEATMAP [N,h,w], OOD_SCORE [N,1], all fp32.

    One network or several, of one kind or more, averaged in log-odds; Platt calibration (slope, intercept) is folded
    into the map, so ``heatmap[n].sum()`` is the log-odds of ``probability[n]``. A higher OOD score is less like a chest
    film.
    """

    def __init__(self, networks: list[Classifier], ood: OodScore, slope: float = 1.0, intercept: float = 0.0) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.ood = ood
        self.register_buffer("slope", torch.tensor(float(slope)))
        self.register_buffer("intercept", torch.tensor(float(intercept)))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        first, seen = self.networks[0].with_taps(image, self.ood.taps)
        maps = [first, *(network(image) for network in list(self.networks)[1:])]
        mean = torch.stack(maps).mean(0) if len(maps) > 1 else maps[0]
        cells = mean.shape[1] * mean.shape[2]
        heatmap = mean * self.slope + self.intercept / cells
        probability = torch.sigmoid(heatmap.sum((1, 2))[:, None])
        return probability, heatmap, self.ood(seen)

    @property
    def spec(self) -> dict[str, Any]:
        """What ``load_served`` needs to rebuild the layers before it fills them."""
        return {"networks": [network.spec for network in self.networks], "ood": self.ood.spec}

    def heatmap_size(self) -> tuple[int, int]:
        """Rows and columns of the heatmap."""
        with torch.no_grad():
            _, rows, columns = self.eval()(torch.zeros(1, 1, IMAGE_SIZE_PX, IMAGE_SIZE_PX, dtype=torch.uint8))[1].shape
        return rows, columns


def save_served(model: ServedModel, path: Path) -> None:
    """Write spec and weights; read back by ``load_served``."""
    torch.save({"spec": model.spec, "state": model.state_dict()}, path)


def load_served(path: str | Path) -> ServedModel:
    """Rebuild the served model in evaluation mode, without fetching starting weights."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    spec = saved["spec"]
    model = ServedModel([Classifier(**network) for network in spec["networks"]], OodScore(**spec["ood"]))
    model.load_state_dict(saved["state"])
    return model.eval()


def sha256_of_weights(network: nn.Module) -> str:
    """SHA-256, in hex, over name and bytes of every weight."""
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()
