"""The hash that says which films a model was trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from trainer.data.film import Film


def sha256_of_films(films: Sequence[Film]) -> str:
    """SHA-256, in hex, over name, label and content of every film, whatever their order and folder."""
    lines = sorted(f"{film.source} {film.path.name} {film.label} {_content(film)}" for film in films)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _content(film: Film) -> str:
    return hashlib.sha256(film.path.read_bytes()).hexdigest()
