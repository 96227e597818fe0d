"""How fast the cores beside a GPU decode films for it."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

from bench.gpu.orders import Keep, Orders
from bench.machine import cores


class NoOriginals(RuntimeError):
    """The part asks for a folder of original films."""


def measure(orders: Orders, keep: Keep) -> None:
    """Films a second that ``cxr.imaging.preprocess`` makes of the originals: one process, then one for every core."""
    if not orders.originals:
        raise NoOriginals("no folder of original films was named (--originals)")
    paths = sorted(str(path) for path in Path(orders.originals).rglob("*") if path.is_file())
    seconds = 0.3 if orders.quick else 2.0
    found = {"films": len(paths), "bytes": sum(Path(path).stat().st_size for path in paths), "cores": cores()}
    one = rate(paths, 1, seconds)
    keep({**found, "one_per_s": one})
    keep({**found, "one_per_s": one, "all_per_s": rate(paths, cores(), seconds)})


def rate(paths: list[str], processes: int, seconds: float) -> float:
    """Films a second, all processes together."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.starmap(decoded, [(paths, 0.2)] * processes, chunksize=1)  # imports, and files into the cache
        return sum(pool.starmap(decoded, [(paths, seconds)] * processes, chunksize=1))


def decoded(paths: list[str], seconds: float) -> float:
    """Films a second in this process."""
    from cxr.imaging import preprocess

    contents = [Path(path).read_bytes() for path in paths]
    start, count = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < seconds:
        preprocess(contents[count % len(contents)])
        count += 1
    return count / passed
