"""Which machine the figures are of."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ABILITIES = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_vnni": "VNNI", "avx512_bf16": "BF16", "amx_tile": "AMX"}


def described() -> str:
    """Processor, cores, what it can compute in, memory, and the versions that matter for speed."""
    flags = _cpu_line("flags").split()
    able = " ".join(name for flag, name in ABILITIES.items() if flag in flags)
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    versions = [f"{name} {found}" for name in ("openvino", "pillow", "celery") if (found := _version(name))]
    return (
        f"{_cpu_line('model name') or platform.machine()} ({able}), {os.cpu_count()} cores, {memory_gib:.0f} GiB,"
        f" Python {platform.python_version()}, {', '.join(versions)}"
    )


def cores() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0))


def computes_in_bf16() -> bool:
    """Whether the CPU has bf16 arithmetic; without it OpenVINO computes the same graph in fp32."""
    return bool({"avx512_bf16", "amx_bf16"} & set(_cpu_line("flags").split()))


def _cpu_line(key: str) -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(key):
            return line.partition(":")[2].strip()
    return ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
