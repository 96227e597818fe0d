"""Which GPU the figures are of."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec

import torch

from bench.gpu.orders import Keep, Orders
from bench.machine import described


def measure(orders: Orders, keep: Keep) -> None:
    """Card, driver, torch, and the machine around it."""
    found = {"host": described(), "torch": str(torch.__version__), "gpu": "none", "driver": ""}
    found["tensorrt"] = "installed" if find_spec("tensorrt") else "not installed"
    if orders.device == "cuda":
        card = torch.cuda.get_device_properties(0)
        memory_gib = card.total_memory / 1024**3
        found["gpu"] = f"{card.name} ({card.multi_processor_count} multiprocessors, {memory_gib:.0f} GiB)"
        found["driver"] = _driver()
    keep(found)


def _driver() -> str:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    words = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip().partition("\n")[0]
