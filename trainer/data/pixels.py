"""Films decoded once into one array on disk, so that memory stays flat whatever the size of the set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from cxr.errors import ImageRejected
from cxr.imaging import IMAGE_SIZE_PX, PREPROCESS_VERSION, preprocess
from trainer.cache import made_once
from trainer.data.film import Film
from trainer.errors import UnreadableFilm

CACHE_DIR = Path("runs/.pixels")
CHUNK = 256


def pixels(films: Sequence[Film], cache_dir: Path = CACHE_DIR) -> NDArray[np.uint8]:
    """[N,1,224,224] uint8 through the serving path's own ``preprocess``; a read-only memory map, made on first use.

    Raises:
        UnreadableFilm: naming the file and what is wrong with it.
    """
    size = (len(films), 1, IMAGE_SIZE_PX, IMAGE_SIZE_PX)
    path = cache_dir / f"{key_of_files(films)}.u8"
    made_once(path, lambda unfinished: _decode_all(films, np.memmap(unfinished, np.uint8, "w+", shape=size)))
    return np.memmap(path, np.uint8, "r", shape=size)


def _decode_all(films: Sequence[Film], array: NDArray[np.uint8]) -> None:
    starts = range(0, len(films), CHUNK)
    with ThreadPoolExecutor(2) as pool:
        for start in track(starts, f"decoding {len(films)} films", disable=len(films) < CHUNK):
            for offset, film in enumerate(pool.map(_decode, films[start : start + CHUNK])):
                array[start + offset] = film


def _decode(film: Film) -> NDArray[np.uint8]:
    try:
        return preprocess(film.path.read_bytes())
    except (ImageRejected, OSError) as error:
        raise UnreadableFilm(f"{film.path}: {error}") from error


def key_of_files(films: Sequence[Film]) -> str:
    """Names, sizes and times of the files stand for their content here; the data set's own hash reads every byte."""
    stats = ((film.path, film.path.stat()) for film in films)
    lines = [PREPROCESS_VERSION, *(f"{path.absolute()} {stat.st_size} {stat.st_mtime_ns}" for path, stat in stats)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:24]
