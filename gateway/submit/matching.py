"""Which of the files that were sent a row belongs to."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.names import LONGEST_NAME
from gateway.submit.folder import LocalFile


class Matching:
    """Of one job: its rows come in the order of its files, those of an archive one after the other.

    Names alone would not do: a gateway may show another name than it was sent, and of a long one the start is cut.
    """

    def __init__(self, files: Sequence[LocalFile]) -> None:
        self._files, self._at = files, -1
        self._found: set[int] = set()
        self._opened: set[int] = set()

    def file_of(self, name: str) -> LocalFile:
        """The file whose row is the next, by the name in it."""
        self._at = self._place(name)
        self._found.add(self._at)
        if self._lies_in(name, self._at):
            self._opened.add(self._at)
        return self._files[self._at]

    @property
    def left(self) -> list[LocalFile]:
        """Files that no row belonged to."""
        return [file for place, file in enumerate(self._files) if place not in self._found]

    @property
    def opened(self) -> int:
        """How many files were archives that were opened."""
        return len(self._opened)

    def _place(self, name: str) -> int:
        following = range(self._at + 1, len(self._files))
        if following and name == self._files[following[0]].name:
            return following[0]
        if self._at >= 0 and self._lies_in(name, self._at):
            return self._at
        for place in following:
            if name == self._files[place].name or self._lies_in(name, place):
                return place
        return following[0] if following else self._at

    def _lies_in(self, name: str, place: int) -> bool:
        """Whether the row is of an entry of this archive; the start of a long name may be cut."""
        archive = self._files[place].name
        return name.startswith(archive + "/") or (len(name) == LONGEST_NAME and archive.endswith(".zip"))
