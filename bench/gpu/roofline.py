"""What the network must compute and move, and how fast this card can do either."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bench.gpu.networks import folded, load
from bench.gpu.orders import FILM_SHAPE, Keep, Orders
from bench.gpu.timing import device_ms

HALF_BYTES = 2


def measure(orders: Orders, keep: Keep) -> None:
    """Counts per film, weights, and the two ceilings, measured: a large matrix product and a large copy."""
    cuda = orders.device == "cuda"
    counts = counted(orders.model)
    keep(counts)
    side = 8192 if cuda else 512
    kind = torch.float16 if cuda else torch.float32
    left, right = (torch.randn(side, side, device=orders.device, dtype=kind) for _ in range(2))
    product_ms = device_ms(lambda: left @ right, 0.3, orders.device)
    source = torch.randint(0, 256, (2 * 1024**3 if cuda else 16 * 1024**2,), dtype=torch.uint8, device=orders.device)
    target = torch.empty_like(source)
    copy_ms = device_ms(lambda: target.copy_(source), 0.3, orders.device)
    keep(
        {
            **counts,
            "product_side": side,
            "flop_per_s": 2 * side**3 / product_ms * 1000,
            "bytes_per_s": 2 * source.nbytes / copy_ms * 1000,
        }
    )


@torch.no_grad()
def counted(path: str) -> dict[str, float]:
    """Per film: floating-point operations (a multiplication and an addition are two) and bytes; bytes of all weights.

    ``least_bytes``: the film in and the answer out. ``layer_bytes``: besides, what every convolution reads and writes
    in fp16, all else being fused into the convolution before it.
    """
    network = folded(load(path, "cpu"))
    film = torch.zeros((1, *FILM_SHAPE), dtype=torch.uint8)
    moved = [0]

    def note(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        moved[0] += HALF_BYTES * (inputs[0].numel() + output.numel())

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(note)
    with FlopCounterMode(display=False) as counter:
        outputs = network(film)
    least = film.nbytes + sum(output.nbytes for output in outputs)
    weights = HALF_BYTES * sum(parameter.numel() for parameter in network.parameters())
    return {
        "flop_per_film": float(counter.get_total_flops()),
        "least_bytes_per_film": float(least),
        "layer_bytes_per_film": float(least + moved[0]),
        "weight_bytes": float(weights),
    }
