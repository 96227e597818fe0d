"""``python -m bench.gpu.part NAME ORDERS RESULT``: one part of the measurement, in a process of its own.

A part that fails, hangs or breaks the CUDA context takes no other with it; what it kept before stays.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.gpu.orders import ROOT, Orders

LAST_WORDS = 1500


def run_part(name: str, orders: Orders, limit_s: float, module: str = __name__) -> dict[str, Any]:
    """What the part kept; with ``error`` where it did not come to its end."""
    with tempfile.TemporaryDirectory() as folder:
        result, log = Path(folder) / "result.json", Path(folder) / "log.txt"
        words = [sys.executable, "-m", module, name, orders.text(), str(result)]
        with (
            log.open("wb") as sink,
            subprocess.Popen(words, cwd=ROOT, stdout=sink, stderr=sink, start_new_session=True) as process,
        ):
            try:
                code: int | None = process.wait(limit_s)
            except subprocess.TimeoutExpired:
                code = None
            _end(process)
        found: dict[str, Any] = json.loads(result.read_text()) if result.exists() else {}
        if code is None:
            found["error"] = f"stopped after {limit_s:.0f} s"
        elif code:
            found["error"] = log.read_text(errors="replace").strip()[-LAST_WORDS:]
        return found


def _end(process: subprocess.Popen[Any]) -> None:
    """Everything the part started ends with it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main() -> None:
    name, orders, result = sys.argv[1], Orders.read(sys.argv[2]), Path(sys.argv[3])

    def keep(found: dict[str, Any]) -> None:
        unfinished = result.with_suffix(".part")
        unfinished.write_text(json.dumps(found))
        unfinished.replace(result)

    importlib.import_module(f"bench.gpu.{name}").measure(orders, keep)


if __name__ == "__main__":
    main()
