"""The files to be sent: found, named, measured, and put into batches of which each becomes a job."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.archives import is_litter
from gateway.names import LONGEST_NAME, printable


@dataclass(frozen=True)
class LocalFile:
    """A file and the name it is sent under, of its own among all: its path below the folder it was found in."""

    path: Path
    name: str
    size_bytes: int

    @classmethod
    def of(cls, path: Path, below: Path) -> LocalFile:
        """Of a long path the end is kept: that is what tells files apart. Raises ``OSError``."""
        name = os.fsencode(path.relative_to(below).as_posix()).decode("utf-8", "replace")
        return cls(path, printable(name)[-LONGEST_NAME:], path.stat().st_size)

    @property
    def given(self) -> str:
        """Its path as the user gave it, as text."""
        return os.fsencode(self.path).decode("utf-8", "replace")

    def numbered(self, number: int) -> LocalFile:
        """The same under a name with this number before it."""
        start = f"({number}) "
        return replace(self, name=start + self.name[-(LONGEST_NAME - len(start)) :])

    def sha256(self) -> str:
        """Of its bytes, in hex. Raises ``OSError`` when it cannot be read."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Found:
    """Files in the order of their names, and what lay beside them and is no film's file."""

    files: list[LocalFile]
    passed_over: list[Path]


def find(paths: Iterable[Path]) -> Found:
    """Every file of these folders and those below, and these files. Raises ``OSError`` for a path that is not there."""
    found, names = Found([], []), Counter[str]()
    for path in paths:
        path.stat()
        below = path if path.is_dir() else path.parent
        for each in sorted(_walk(path)):
            if each.is_file() and not _is_litter(each.relative_to(below)):
                file = LocalFile.of(each, below)
                names[file.name] += 1
                found.files.append(file if names[file.name] == 1 else file.numbered(names[file.name]))
            else:
                found.passed_over.append(each)
    return found


def _walk(path: Path) -> Iterator[Path]:
    """Files, and links to folders: those are not followed, for they may lead round in a circle."""
    if not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path, onerror=_raise):
        yield from (Path(folder) / name for name in names)
        yield from (link for name in folders if (link := Path(folder) / name).is_symlink())


def _raise(error: OSError) -> None:
    raise error


def _is_litter(path: Path) -> bool:
    return is_litter(path.as_posix()) or any(part.startswith(".") for part in path.parts)


def batches(files: Iterable[LocalFile], most_files: int, most_bytes: int) -> Iterator[list[LocalFile]]:
    """Neighbours together, up to both limits; a file that is larger than the limit goes alone."""
    batch: list[LocalFile] = []
    size = 0
    for file in files:
        if batch and (len(batch) >= most_files or size + file.size_bytes > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size_bytes
    if batch:
        yield batch


def idempotency_key(files: Sequence[LocalFile], hashes: Sequence[str], salt: str) -> str:
    """The same for the same names and bytes: what was sent once is found again and not sent as another job."""
    text = "\0".join(f"{file.name}\0{sha256}" for file, sha256 in zip(files, hashes, strict=True))
    return "folder-" + hashlib.sha256(f"{salt}\0{text}".encode()).hexdigest()
