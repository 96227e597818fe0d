"""Boxed decoding beside threads of one process, on the same films in the same run: ``python -m bench.decoding``."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Annotated

import typer

from bench.samples import DATA
from cxr.decoding import Decoder, ThreadDecoder
from worker.boxes import BoxedDecoder

CHUNK = 64  # images that a worker hands in at once


def images_per_s(decoder: Decoder, files: list[bytes]) -> float:
    """Decode all files once, in chunks."""
    start = time.perf_counter()
    for first in range(0, len(files), CHUNK):
        decoder.decode(files[first : first + CHUNK])
    return len(files) / (time.perf_counter() - start)


def main(
    folder: Annotated[Path, typer.Option(help="JPEG films.")] = DATA / "kermany_originals",
    lanes: Annotated[int, typer.Option(help="Boxes, and threads.")] = 2,
    rounds: Annotated[int, typer.Option(help="Turns of each, one after the other.")] = 15,
) -> None:
    """Take turns, and compare each turn with its neighbour: what else the machine does then meets both."""
    files = [path.read_bytes() for path in sorted(folder.rglob("*.jpeg"))]
    threads = ThreadDecoder(lanes)
    with BoxedDecoder(lanes) as boxes:
        images_per_s(threads, files), images_per_s(boxes, files)  # warm
        pairs = [(images_per_s(threads, files), images_per_s(boxes, files)) for _ in range(rounds)]
    in_threads, in_boxes = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(boxed / threaded for threaded, boxed in pairs)
    print(f"{len(files)} films, mean {sum(map(len, files)) / len(files) / 1000:.0f} kB, {rounds} rounds of each")
    print(f"threads {in_threads:.0f} images/s, boxes {in_boxes:.0f} images/s; boxes to threads {ratio:.2f}")


if __name__ == "__main__":
    typer.run(main)
