"""The first layers of every graph: uint8 film to a small standardised one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cxr.imaging import IMAGE_SIZE_PX

# The deviation that ImageNet photographs have after the starting weights' own (x - 127) / 128.
IMAGENET_DEVIATION = 0.5
# Mean and deviation are taken inside the central three quarters, where collimator edges and letters are rare.
CENTRE = slice(IMAGE_SIZE_PX // 8, IMAGE_SIZE_PX - IMAGE_SIZE_PX // 8)
LEAST_DEVIATION = 8.0  # grey levels; a blank image must not turn into amplified noise


def triangle_filter(size_px: int) -> Tensor:
    """[size_px, 224]: rows that average the film's pixels with a triangle as wide as the step (antialiased
    bilinear).
    """
    step = IMAGE_SIZE_PX / size_px
    centres = (torch.arange(size_px) + 0.5) * step
    distance = (torch.arange(IMAGE_SIZE_PX) + 0.5 - centres[:, None]).abs()
    weights = (1 - distance / step).clamp(min=0)
    return weights / weights.sum(1, keepdim=True)


class FilmInput(nn.Module):
    """Shrink by two matrix products (every engine has them) and bring each film to mean 0 and deviation 0.5.

    [N,1,224,224] uint8 or float 0..255 in, [N,1,size_px,size_px] fp32 out. Brightness and contrast of the whole film
    are gone.
    """

    def __init__(self, size_px: int) -> None:
        super().__init__()
        self.size_px = size_px
        self.register_buffer("shrink", triangle_filter(size_px), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        film = image.float()
        centre = film[:, :, CENTRE, CENTRE]
        mean = centre.mean((2, 3), keepdim=True)
        variance = (centre - mean).square().mean((2, 3), keepdim=True)
        # Whole grey levels first: bf16 holds them exactly, and what is left is small, so its steps are fine.
        whole = mean.floor()
        film = film - whole
        small = self.shrink @ film @ self.shrink.T if self.size_px != IMAGE_SIZE_PX else film
        return (small - (mean - whole)) / (variance.sqrt() + LEAST_DEVIATION) * IMAGENET_DEVIATION
