"""The served network in fp16, as an inference engine would compute it: normalisations folded into convolutions."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from trainer.architectures import FullPrecisionDepthwise, Trunk
from trainer.model import ServedModel, load_served

TRIED_ALGORITHMS = 5  # of each convolution; half of what cuDNN would try, for half the time before the first answer


def load(path: str, device: str) -> ServedModel:
    """The network as it is served, in fp32; no convolution or product of the process is rounded to TF32."""
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = device == "cuda"
    torch.backends.cudnn.benchmark_limit = TRIED_ALGORITHMS
    return load_served(path).to(device)


def in_half(served: ServedModel, device: str) -> ServedModel:
    """A copy whose trunks, weights and activations, are fp16 in channels-last order; nothing is left to autocast.

    Fp32 stay the film's standardisation before a trunk, and map, calibration and out-of-distribution score behind it.
    On a CPU, which takes many times as long in fp16, all stays fp32.
    """
    half = folded(served)
    if device == "cpu":
        return half
    for network in half.networks:
        network.trunk = HalfTrunk(network.trunk)
    return half


def folded(served: ServedModel) -> ServedModel:
    """A copy without normalisations: each is multiplied into the convolution before it."""
    model = copy.deepcopy(served).eval()
    for parent in model.modules():
        children = list(parent.named_children())
        for (name, first), (following, second) in pairwise(children):
            inner = first.convolution if isinstance(first, FullPrecisionDepthwise) else first
            if not (isinstance(inner, nn.Conv2d) and isinstance(second, nn.BatchNorm2d)):
                continue
            if inner.out_channels == second.num_features:
                setattr(parent, name, fuse_conv_bn_eval(inner, second))
                setattr(parent, following, nn.Identity())
    return model


class HalfTrunk(nn.Module):
    """A trunk in fp16 between fp32 layers: standardised films [N,1,s,s] fp32 to features [N,C,h,w] fp32."""

    def __init__(self, trunk: Trunk) -> None:
        super().__init__()
        self.trunk = trunk.half().to(memory_format=torch.channels_last)
        self.channels = trunk.channels

    def forward(self, films: Tensor) -> Tensor:
        features: Tensor = self.trunk(self._half(films))
        return features.float()

    def with_taps(self, films: Tensor, taps: tuple[int, ...]) -> tuple[Tensor, list[Tensor]]:
        features, seen = self.trunk.with_taps(self._half(films), taps)
        return features.float(), seen

    def _half(self, films: Tensor) -> Tensor:
        return films.half().contiguous(memory_format=torch.channels_last)
