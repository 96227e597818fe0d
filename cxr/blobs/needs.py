"""What a store asks before it removes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

Unneeded = Callable[[Sequence[str]], Iterable[str]]
"""Those of these blobs, by their SHA-256, that no job names."""
