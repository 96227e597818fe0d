"""What a request holds, whether it came as single files or inside zips: counted before any of it is read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cxr.errors import CorruptArchive, CxrError, EmptyFile, FileTooLarge, ImageRejected, NoImages, TooManyImages
from gateway.archives import Archive, is_archive, is_litter
from gateway.spool import Upload


@dataclass(frozen=True)
class Film:
    """One image on its way in: its bytes, or why they are not taken and, where they were read, their SHA-256."""

    name: str
    size_bytes: int
    content: bytes | CxrError
    sent_sha256: str | None = None


def within(films: Iterator[Film], max_total_bytes: int) -> Iterator[Film]:
    """These films; from where they are more than ``max_total_bytes`` in all, refused."""
    left = max_total_bytes
    for film in films:
        if isinstance(film.content, bytes):
            left -= len(film.content)
        yield film if left >= 0 else without_room(film, max_total_bytes)


def without_room(film: Film, max_total_bytes: int) -> Film:
    """The film refused, since the job has no room for it; one that was refused already as it is."""
    if isinstance(film.content, CxrError):
        return film
    refusal = FileTooLarge(f"the job would unpack to more than {max_total_bytes} bytes")
    return Film(film.name, film.size_bytes, refusal, hashlib.sha256(film.content).hexdigest())


class Contents:
    """The images of a request, in the order they were sent, without litter; ``len`` is their number.

    An archive that cannot be read, or that has no image in it, is a row of its own among other files.

    Raises:
        CorruptArchive: a single archive was sent and cannot be read.
        TooManyImages: more than ``max_images``.
    """

    def __init__(self, uploads: Sequence[Upload], max_file_bytes: int, max_images: int) -> None:
        self._max_file_bytes = max_file_bytes
        self._uploads: list[tuple[Upload, Archive | CorruptArchive | NoImages | None]] = []
        self._count = 0
        try:
            for upload in uploads:
                if is_litter(upload.name):
                    continue
                archive = _archive(upload, max_file_bytes, max_images)
                self._uploads.append((upload, archive))
                self._count += len(archive) if isinstance(archive, Archive) else 1
                if self._count > max_images:
                    raise TooManyImages(f"at most {max_images}")
            if len(self._uploads) == 1 and isinstance(fault := self._uploads[0][1], CxrError):
                raise fault
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Contents:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self._count

    def films(self, max_total_bytes: int) -> Iterator[Film]:
        """Read the images one by one; those past ``max_total_bytes`` in all come refused."""
        return within(self._films(), max_total_bytes)

    def close(self) -> None:
        for _, archive in self._uploads:
            if isinstance(archive, Archive):
                archive.close()

    def _films(self) -> Iterator[Film]:
        for upload, archive in self._uploads:
            if isinstance(archive, Archive):
                for name, size_bytes, content in archive.films():
                    yield Film(f"{upload.name}/{name}", size_bytes, content)
            else:
                taken = archive or self._read(upload)
                sent_sha256 = upload.sha256() if isinstance(taken, CxrError) else None
                yield Film(upload.name, upload.size_bytes, taken, sent_sha256)

    def _read(self, upload: Upload) -> bytes | ImageRejected:
        if upload.size_bytes == 0:
            return EmptyFile()
        if upload.size_bytes > self._max_file_bytes:
            return FileTooLarge(f"{upload.size_bytes} bytes, at most {self._max_file_bytes}")
        with upload.open() as file:
            return file.read()


def _archive(upload: Upload, max_file_bytes: int, max_images: int) -> Archive | CorruptArchive | NoImages | None:
    """The upload opened as an archive, why there is nothing in it, or None for a plain file."""
    file = upload.open()
    archive: Archive | CorruptArchive | NoImages | None = None
    try:
        if is_archive(upload.name, file.read(4)):
            archive = Archive(file, max_file_bytes, max_images)
            archive = archive if len(archive) else NoImages()
    except CorruptArchive as error:
        archive = error
    finally:
        if not isinstance(archive, Archive):
            file.close()
    return archive
