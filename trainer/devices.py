"""Where a network is computed, and in which number type."""

from __future__ import annotations

import torch


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def number_type(device: torch.device) -> torch.dtype:
    """The fastest type that mixed precision may use there; fp32 means no mixed precision.

    A CPU without bf16 instructions (AMX or AVX-512) emulates them: a training step then takes several times as long
    as in fp32.
    """
    if device.type == "cpu":
        able = torch.cpu.get_capabilities()
        return torch.bfloat16 if able.get("amx_bf16") or able.get("avx512_bf16") else torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def mixed_precision(device: torch.device) -> torch.autocast:
    """The context in which the network's layers compute in ``number_type``."""
    kind = number_type(device)
    return torch.autocast(device.type, kind, enabled=kind != torch.float32)
